import { sql } from 'drizzle-orm'
import type { ModuleCommand } from '../../src/kernel/commands.ts'
import { newId } from '../../src/kernel/ids.ts'
import type { Tenant } from '../../src/modules/tenancy/index.ts'
import type { TestPlatform } from './platform.ts'

/** Runs a command of the module audit; its lines, and the message of what it threw. */
export async function runAudit(platform: TestPlatform, name: string): Promise<string[]> {
  const { commands } = platform.gives('audit') as { commands: ModuleCommand[] }
  const lines: string[] = []
  const print = (line: string) => void lines.push(line)
  const command = commands.find((one) => one.name === name)
  await command?.run([], print).catch((error: Error) => print(error.message))
  return lines
}

/** One change of a row in a tenant, by a known actor. */
export function writeMarker(tenant: Tenant, marker: string): Promise<unknown> {
  return tenant
    .as({ kind: 'system', id: 'test' })
    .transaction((db) =>
      db.execute(sql`INSERT INTO tenancy.canary (id, marker) VALUES (${newId()}, ${marker})`),
    )
}

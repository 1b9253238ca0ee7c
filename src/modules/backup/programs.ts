import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { findPostgresProgram } from '../../data/local/binaries.ts'
import type { SqlAddress, SqlClient } from '../../data/sql.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { Bytes } from './frames.ts'

const noProgram = defineProblem({
  code: 'backup-program-missing',
  status: 500,
  title: "Postgres' own backup programs are missing",
})
const programFailed = defineProblem({
  code: 'backup-program-failed',
  status: 500,
  title: "One of Postgres' own backup programs failed",
})

/** Postgres' client programs of the server's own major version, connected as one role. */
export interface Programs {
  /** The content that `program` writes to standard output; throws at the end when it did not succeed. */
  read(
    program: 'pg_dump',
    args: readonly string[],
    options?: { settings?: string },
  ): AsyncIterable<Uint8Array>
  /** Feeds `content` to the program and resolves to what it printed. */
  feed(program: 'pg_restore' | 'psql', args: readonly string[], content: Bytes): Promise<string>
}

/**
 * Finds the programs. Their major version must be the server's: pg_dump refuses newer servers, and what pg_dump 17 and
 * later write (`SET transaction_timeout`) older servers do not load.
 */
export function findPrograms(address: SqlAddress, major: number): Programs {
  const found = new Map<string, string>()
  const find = (name: string) => {
    const path = found.get(name) ?? findPostgresProgram(name, major)
    if (!path)
      throw noProgram(
        `${name} of version ${major} was not found: install it (Debian: apt install postgresql-client-${major}).`,
      )
    found.set(name, path)
    return path
  }
  const env = connectionEnvironment(address)
  return {
    read: (program, args, { settings } = {}) =>
      readOutput(program, () =>
        spawn(find(program), args, {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: { ...env, ...(settings ? { PGOPTIONS: settings } : {}) },
        }),
      ),
    async feed(program, args, content) {
      const child = spawn(find(program), args, { stdio: ['pipe', 'pipe', 'pipe'], env })
      const pouring = pour(content, child)
      pouring.catch(() => undefined) // met below, once the program has ended
      const [printed, problems, code] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        exitOf(child),
      ])
      // What broke the content is the cause; else the program that gave up says why.
      await pouring
      if (code !== 0) throw programFailed(`${program}: ${firstError(problems)}`)
      return printed
    },
  }
}

/** The server's major version. */
export async function serverMajor(client: SqlClient): Promise<number> {
  const { rows } = await client.query<{ major: number }>(
    `SELECT current_setting('server_version_num')::int / 10000 AS major`,
  )
  return rows[0]?.major ?? 0
}

/** Settings of libpq. The password stands in the child's environment, which only the same user can read. */
function connectionEnvironment({ host, port, user, password, ssl }: SqlAddress): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    PGHOST: String(host),
    PGPORT: String(port),
    PGUSER: String(user),
    PGPASSWORD: String(password),
    PGCONNECT_TIMEOUT: '10',
    ...(ssl && typeof ssl === 'object'
      ? { PGSSLMODE: 'verify-full', PGSSLROOTCERT: writeCa(String(ssl.ca)) }
      : {}),
  }
}

function writeCa(ca: string): string {
  const file = join(tmpdir(), `surety-ca-${process.pid}.pem`)
  writeFileSync(file, ca, { mode: 0o600 })
  return file
}

async function* readOutput(
  program: string,
  start: () => ChildProcessByStdio<null, Readable, Readable>,
): AsyncGenerator<Uint8Array> {
  const child = start()
  const ended = Promise.all([exitOf(child), text(child.stderr)])
  try {
    yield* child.stdout
    const [code, problems] = await ended
    // The end of the output alone says nothing: a program that was killed closes it as well.
    if (code !== 0) throw programFailed(`${program}: ${firstError(problems)}`)
  } finally {
    child.kill('SIGKILL')
  }
}

function exitOf(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
}

/**
 * Throws when the content broke, after ending the program: a truncated content must not look like a whole one. A program
 * that reads no further is not an error here.
 */
async function pour(content: Bytes, child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<void> {
  let broken: unknown
  const watched = (async function* () {
    try {
      yield* content
    } catch (error) {
      broken = error
      child.kill('SIGKILL')
      throw error
    }
  })()
  await pipeline(watched, child.stdin).catch(() => undefined)
  if (broken !== undefined) throw broken
}

/** The line that tells what went wrong; what comes after it only says where. */
function firstError(problems: string): string {
  const lines = problems.trim().split('\n')
  const told = lines.find((line) => /(ERROR|FATAL|error):/.test(line)) ?? lines.at(-1)
  return told?.slice(0, 500) || 'it ended early'
}

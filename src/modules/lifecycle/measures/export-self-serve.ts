import { text } from 'node:stream/consumers'
import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Measure, measure } from '../../../proof/measure.ts'
import { tenantRealm } from '../../identity/index.ts'
import { markerOf, type Tenant } from '../../tenancy/index.ts'
import { checkHashes, type OpenedExport, openExport } from '../export/read.ts'
import { quoted } from '../export/tables.ts'
import { outcomeOf, type ProbeParts, signInTo, withTrials } from '../trial.ts'

/** FEST-34. */
export function exportSelfServe(parts: ProbeParts): Measure {
  const { tenancy } = parts.erasing
  return measure({
    key: 'export.self-serve',
    sources: ['FEST-34'],
    family: 'availability',
    maps: { gdpr: ['20(1)', '28(3)(g)'], iso27001: ['A.5.11'] },
    claim: {
      de: () =>
        'Der Kunde lädt jederzeit selbst alle Daten und Dateien herunter, auch während einer Sperrung: in offenen Formaten, mit JSON-Schema und Prüfsummen.',
      en: () =>
        'The customer downloads all data and files at any time, also while suspended: in open formats, with JSON Schema and checksums.',
    },
    timeout: 180_000,
    async prove({ check, positiveControl }) {
      const others = (await tenancy.canaries.open()).flatMap(({ a, b }) => [markerOf(a), markerOf(b)])
      const tables = await tenancy.tables()
      await withTrials(parts, async (trial, model) => {
        const ask = await signInTo(parts, trial)
        await issueToken(parts, trial)
        await trial.files.write('probe/picture.bin', [Buffer.from(markerOf(trial))])
        for (const state of ['active', 'suspended'] as const) {
          if (state === 'suspended') await parts.lifecycle.suspend(trial.slug)
          const when = `${model}, ${state}`
          const answer = await ask('GET', '/api/v1/export')
          check(`${when}: GET /api/v1/export`, 200, answer.status)
          if (answer.status !== 200) continue
          const archive = await openExport(answer.bytes)
          const { manifest } = archive
          check(`${when}: hashes of all entries`, 'done', await outcomeOf(checkHashes(archive)))
          check(
            `${when}: tables that are missing`,
            [],
            tables.filter((name) => !manifest.tables.some((one) => one.name === name)),
          )
          check(`${when}: tables with other counts than the database`, [], await otherCounts(trial, archive))
          check(`${when}: rows that their JSON Schema refuses`, 0, await refusedRows(archive))
          check(
            `${when}: files`,
            await trial.files.list(),
            manifest.files.map(({ path }) => path),
          )
          const all = await contentOf(archive)
          positiveControl(
            `${when}: the content of this tenant is found in it`,
            true,
            all.includes(markerOf(trial)),
          )
          check(
            `${when}: content of other tenants in it`,
            0,
            others.filter((marker) => all.includes(marker)).length,
          )
          const stored = await secretsOf(trial)
          positiveControl(`${when}: secrets that are stored`, true, stored.length > 0)
          check(`${when}: stored secrets in it`, 0, stored.filter((secret) => all.includes(secret)).length)
          const cut = answer.bytes.subarray(0, answer.bytes.length - 100)
          positiveControl(
            `${when}: an archive that was cut off`,
            'export-invalid',
            await outcomeOf(openExport(cut)),
          )
        }
      })
    },
  })
}

async function otherCounts(trial: Tenant, { manifest }: OpenedExport): Promise<string[]> {
  const found: string[] = []
  for (const { name, rows } of manifest.tables) {
    const counted = await trial.transaction((db) =>
      db.execute<{ n: number }>(sql.raw(`SELECT count(*)::int AS n FROM ${quoted(name)}`)),
    )
    if (counted.rows[0]?.n !== rows) found.push(name)
  }
  return found
}

async function refusedRows({ manifest, stream }: OpenedExport): Promise<number> {
  let refused = 0
  for (const { path, schema } of manifest.tables) {
    const row = z.fromJSONSchema(JSON.parse(await text(await stream(schema))))
    for (const line of (await text(await stream(path))).split('\n').filter(Boolean))
      if (!row.safeParse(JSON.parse(line)).success) refused += 1
  }
  return refused
}

async function contentOf({ paths, stream }: OpenedExport): Promise<string> {
  const parts: string[] = []
  for (const path of paths) parts.push(await text(await stream(path)))
  return parts.join('\n')
}

/** A token hash that the trial stores, in the forms in which a row could show it. */
async function secretsOf(trial: Tenant): Promise<string[]> {
  const { rows } = await trial.transaction((db) =>
    db.execute<{ hash: Buffer }>(sql`SELECT hash FROM identity.api_token`),
  )
  return rows.flatMap(({ hash }) => [hash.toString('hex'), hash.toString('base64')])
}

/** Something secret to look for. */
async function issueToken({ identity }: ProbeParts, trial: Tenant): Promise<void> {
  const { rows } = await trial.transaction((db) =>
    db.execute<{ id: string }>(sql`SELECT id FROM identity.person LIMIT 1`),
  )
  const about = { name: 'probe', permissions: ['export.read'], life: 60_000 }
  await identity.apiTokens.issue(tenantRealm(trial), rows[0]?.id as string, about)
}

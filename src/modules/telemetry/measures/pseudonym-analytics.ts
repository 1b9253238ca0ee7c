import { randomUUID } from 'node:crypto'
import { formatDuration } from '../../../kernel/duration.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { MeasureParts } from '../measures.ts'

interface Claimed {
  period: number
}

/** LARA-10. */
export function pseudonymAnalytics({
  parts,
  settings,
  stores,
  tenancy,
  clock,
}: MeasureParts): Measure<Claimed> {
  const { control } = stores
  return measure<Claimed>({
    key: 'pseudonym.analytics',
    sources: ['LARA-10'],
    family: 'data-access',
    maps: { gdpr: ['4(5)', '25(1)', '32(1)(a)'], iso27001: ['A.8.11'] },
    settings: { period: settings.pseudonymsFor },
    claim: {
      de: ({ period }) =>
        `Die Nutzungsstatistik kennt Personen nur unter einem Pseudonym, dessen Schlüssel alle ${formatDuration(period, 'de')} wechselt und dann vernichtet wird; Name, E-Mail- und IP-Adresse oder die Kennung der Person enthält sie nicht.`,
      en: ({ period }) =>
        `Analytics knows people only by a pseudonym whose key changes every ${formatDuration(period, 'en')} and is then destroyed; it holds no name, no e-mail or IP address and no id of a person.`,
    },
    async prove({ check, positiveControl }) {
      const { analytics } = parts
      const [pair] = await tenancy.canaries.find()
      const tenantId = pair?.a.id as string
      const personId = randomUUID()
      const event = `GET /canary/${randomUUID()}`
      const rows = async () =>
        JSON.stringify(await control.query('SELECT * FROM telemetry.visit WHERE event = $1', [event]))
      const future = analytics.period() + 1_000
      try {
        analytics.note({ tenantId, personId, event })
        analytics.note({ tenantId, personId, event })
        await analytics.flush()
        const kept = await rows()
        positiveControl(
          'the visits were counted, for their tenant',
          [true, true],
          [kept.includes('"times":2'), kept.includes(tenantId)],
        )
        check(
          "ways of writing the person's id that stand in what was kept",
          [],
          writings(personId).filter((one) => kept.includes(one)),
        )
        const nameIn = (period: number) =>
          analytics.nameFor({ tenantId, personId }, new Date((period + 0.5) * settings.pseudonymsFor))
        const now = await nameIn(analytics.period())
        positiveControl('the same person in the same period', true, kept.includes(now))
        check('has the same name in another period', false, (await nameIn(future)) === now)
        const other = await analytics.nameFor({ tenantId, personId: randomUUID() }, clock.now())
        check('shares a name with another person', false, other === now)
        const [{ past } = {}] = await control.query<{ past: number }>(
          'SELECT count(*)::int AS past FROM telemetry.analytics_key WHERE period < $1',
          [analytics.period()],
        )
        check('keys of past periods that are still there', 0, past)
        check('columns of what is kept', COLUMNS, await columns())
      } finally {
        await control.query('DELETE FROM telemetry.analytics_key WHERE period >= $1', [future])
        await stores.asMigrator('a probe removes the visits it made', (client) =>
          client.query('DELETE FROM telemetry.visit WHERE event = $1', [event]),
        )
      }
    },
  })

  async function columns(): Promise<string[]> {
    const found = await control.query<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns
       WHERE table_schema = 'telemetry' AND table_name = 'visit' ORDER BY 1`,
    )
    return found.map(({ name }) => name)
  }
}

/** There is no room for a name or an address. */
const COLUMNS = ['day', 'event', 'tenant_id', 'times', 'visitor']

/** An id as text, without its hyphens, and as its bytes. */
function writings(id: string): string[] {
  const bytes = Buffer.from(id.replaceAll('-', ''), 'hex')
  return [id, bytes.toString('hex'), bytes.toString('base64url'), bytes.toString('base64')]
}

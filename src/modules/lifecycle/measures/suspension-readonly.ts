import { type Measure, measure } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { openWhenSuspended } from '../openTables.ts'
import { again, outcomeOf, type ProbeParts, signInTo, withTrials } from '../trial.ts'
import { attackByWriting, contentOf, WRITE_ATTACKS } from '../writeAttacks.ts'

/** Writable all the same: what it takes to sign in. */
const SIGN_IN = '/api/v1/auth/'

/** FEST-36. */
export function suspensionReadonly(parts: ProbeParts): Measure {
  return measure({
    key: 'suspension.readonly',
    sources: ['FEST-36'],
    family: 'availability',
    maps: { gdpr: ['32(1)(b)', '20'], iso27001: ['A.5.18', 'A.8.3'] },
    claim: {
      de: () =>
        'Ein gesperrtes Konto ist sofort nur noch lesbar: Schnittstelle, Datenbank und Dateien lehnen Änderungen ab; Anmelden und Lesen gehen weiter.',
      en: () =>
        'A suspended account is read-only at once: interface, database and files refuse changes; signing in and reading go on.',
    },
    timeout: 120_000,
    async prove({ check, positiveControl }) {
      const { tenancy, stores } = parts.erasing
      check(
        'tables that a suspended tenant can write although they are not for signing in',
        [],
        (await openWhenSuspended(stores.asMigrator)).filter((name) => !name.startsWith('identity.')),
      )
      await withTrials(parts, async (active, model) => {
        const ask = await signInTo(parts, active)
        const [, ...plain] = WRITE_ATTACKS[0] as readonly [string, ...string[]]
        positiveControl(
          `${model}: while active, a plain INSERT`,
          'written',
          await attackByWriting(active, plain),
        )
        positiveControl(`${model}: while active, a file`, 'done', await write(active))
        const routes = await changingRoutes(ask)
        positiveControl(`${model}: routes that change something were found`, true, routes.length > 0)
        positiveControl(
          `${model}: while active, routes that answer 423`,
          [],
          await answering(ask, routes, [423]),
        )

        await parts.lifecycle.suspend(active.slug)
        const before = await contentOf(active)
        for (const [what, ...statements] of WRITE_ATTACKS)
          check(`${model}: ${what}`, 'refused', await attackByWriting(active, statements))
        check(`${model}: the content after all of it`, before, await contentOf(active))
        const suspended = await again(tenancy, active)
        check(`${model}: writing a file`, 'tenant-read-only', await write(suspended))
        const others = await answering(ask, routes, [401, 403, 404, 423])
        check(
          `${model}: routes of ${routes.length} that neither refuse nor answer 423`,
          [],
          unanswered(routes, others),
        )
        check(`${model}: GET /api/v1/account`, 200, (await ask('GET', '/api/v1/account')).status)
        await parts.lifecycle.reactivate(active.slug)
        check(
          `${model}: a plain INSERT after the reactivation`,
          'written',
          await attackByWriting(active, plain),
        )
      })
    },
  })
}

type Ask = Awaited<ReturnType<typeof signInTo>>

function write(tenant: Tenant): Promise<string> {
  return outcomeOf(tenant.files.write('probe.txt', [Buffer.from('probe')]))
}

/** `METHOD path` of every documented route of the tenant that changes something, without those for signing in. */
async function changingRoutes(ask: Ask): Promise<string[]> {
  const { paths } = JSON.parse((await ask('GET', '/api/v1/openapi.json')).body) as {
    paths: Record<string, Record<string, unknown>>
  }
  return Object.entries(paths)
    .filter(([path]) => !path.startsWith(SIGN_IN))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((route) => !/^(GET|HEAD|OPTIONS) /.test(route))
    .sort()
}

/** Those of `routes` that answer with one of `statuses`. */
async function answering(
  ask: Ask,
  routes: readonly string[],
  statuses: readonly number[],
): Promise<string[]> {
  const found: string[] = []
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    const { status } = await ask(
      method,
      path.replaceAll(/\{[^}]*\}/g, '018f0000-0000-7000-8000-000000000000'),
    )
    if (statuses.includes(status)) found.push(route)
  }
  return found
}

const unanswered = (routes: readonly string[], answered: readonly string[]) =>
  routes.filter((route) => !answered.includes(route))

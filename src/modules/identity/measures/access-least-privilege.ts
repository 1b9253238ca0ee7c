import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { fillPath, readOperations } from '../../api/index.ts'
import type { MeasureParts } from '../measures.ts'
import { allows, memberRoles } from '../permissions.ts'
import { asking, withProgram, withVisitor } from '../probing.ts'
import { tenantRealm } from '../realm.ts'

/** What the least role may do, written once more and not taken from the table that is on trial. */
const READER = ['content.read', 'own.account', 'own.sign-in']

/**
 * FSTV-08, for the application; the database's half is db.role.app. Every role on every route: what the role is not
 * granted must be refused, and what it may read must not be.
 */
export function accessLeastPrivilege(given: MeasureParts): Measure {
  const { people, sessions, edge, canaries } = given
  return measure({
    key: 'access.least-privilege',
    sources: ['FSTV-08'],
    family: 'data-access',
    maps: { gdpr: ['25(2)', '32(1)(b)'], iso27001: ['A.5.15', 'A.8.2', 'A.8.3'] },
    timeout: 180_000,
    settings: { roles: [...memberRoles] as string[] },
    claim: {
      de: ({ roles }) =>
        `Rechte folgen dem Prinzip der geringsten Berechtigung: ${roles.length} Rollen, jede Route verlangt ein Recht, ohne Recht bleibt sie zu.`,
      en: ({ roles }) =>
        `Rights follow least privilege: ${roles.length} roles, every route asks for a permission, and without it stays closed.`,
    },
    async prove({ check, positiveControl, settings, signal }) {
      const [pair] = await canaries()
      if (!pair) throw new Error('There is no canary.')
      const { a } = pair
      const host = a.hosts[0] as string
      const operations = (await readOperations(edge, host)).filter(({ guarded }) => guarded)
      const unnamed = operations
        .filter(({ permission }) => !permission)
        .map(({ method, path }) => `${method} ${path}`)
      check('routes that need signing in and name no permission', [], unnamed)
      const managing = operations.filter(({ permission }) => permission && !READER.includes(permission))
      positiveControl('routes that a reader may not use', true, managing.length > 0)
      for (const role of settings.roles) {
        await withVisitor(
          people,
          tenantRealm(a),
          async (visitor) => {
            const ask = await asking(edge, host, people, sessions, visitor)
            const wrong: string[] = []
            let tried = 0
            for (const { method, path, permission = '' } of operations) {
              signal.throwIfAborted()
              const may =
                role === 'reader' ? READER.includes(permission) : allows('members', role, permission)
              if (may && method !== 'GET') continue // would change something
              const { status } = await ask(
                method,
                fillPath(path, () => newId()),
              )
              tried += 1
              if ((status === 403) === may || status === 401) wrong.push(`${method} ${path}: ${status}`)
            }
            check(`${role}: of ${tried} routes, not as the role says`, [], wrong)
          },
          { role },
        )
      }
      await withProgram(given, tenantRealm(a), 'reader', async ({ token }) => {
        const passed: string[] = []
        for (const { method, path } of managing) {
          signal.throwIfAborted()
          const headers = { authorization: `Bearer ${token}` }
          const filled = fillPath(path, () => newId())
          const { status } = await edge.request({ host, kept: true, method, path: filled, headers })
          if (status !== 403) passed.push(`${method} ${path}: ${status}`)
        }
        check(
          `a program with the role reader and a token of all rights: of ${managing.length} routes, open`,
          [],
          passed,
        )
      })
    },
  })
}

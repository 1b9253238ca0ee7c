import { type Measure, measure } from '../../../proof/measure.ts'
import { fillPath, readOperations } from '../../api/index.ts'
import type { MeasureParts } from '../measures.ts'
import { OWN_PARTIAL } from '../permissions.ts'
import { asking, codeOfProblem, outcomeOf, withProgram, withVisitor } from '../probing.ts'

/**
 * FEST-24, for the administration that is ours: an operator who showed a password only, on every route of the
 * back-office, and a program, which has no factors, on every one that asks for a factor shown lately. Consoles of providers
 * are attested.
 */
export function admin2fa(given: MeasureParts): Measure {
  const { people, sessions, operators, edge } = given
  return measure({
    key: 'admin.2fa',
    sources: ['FEST-24'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.17', 'A.8.2', 'A.8.5'] },
    timeout: 120_000,
    claim: {
      de: () =>
        'Die eigene Verwaltungsoberfläche verlangt von jedem Betreiber einen zweiten Faktor; ein Programm kommt an nichts, was ihn frisch verlangt.',
      en: () =>
        'Our own administration asks every operator for a second factor; a program gets at nothing that asks for a fresh one.',
    },
    async prove({ check, positiveControl, signal }) {
      const host = edge.adminHost
      const guarded = (await readOperations(edge, host)).filter((operation) => operation.guarded)
      const behind = guarded.filter(({ permission }) => permission !== OWN_PARTIAL)
      const before = guarded.filter(({ permission }) => permission === OWN_PARTIAL)
      check(
        'routes that an operator may use before the second factor',
        BEFORE,
        before.map(({ path }) => path).toSorted(),
      )
      await withVisitor(
        people,
        operators,
        async (visitor) => {
          const passwordOnly = await asking(edge, host, people, sessions, visitor)
          const passed: string[] = []
          for (const { method, path } of behind) {
            signal.throwIfAborted()
            const code = codeOfProblem(
              await passwordOnly(
                method,
                fillPath(path, () => visitor.id),
              ),
            )
            if (code !== 'second-factor-needed') passed.push(`${method} ${path}: ${code}`)
          }
          check(`a password alone on ${behind.length} routes, not refused`, [], passed)
          const both = await asking(edge, host, people, sessions, visitor, ['pwd', 'otp'])
          positiveControl('both factors', '200', codeOfProblem(await both('GET', '/api/v1/auth/sessions')))
        },
        { role: 'auditor' },
      )
      const fresh = guarded.filter(({ recent }) => recent)
      await withProgram(given, operators, 'admin', async ({ id, token }) => {
        const headers = { authorization: `Bearer ${token}` }
        const ask = async (method: string, path: string) =>
          codeOfProblem(await edge.request({ host, kept: true, method, path, headers }))
        positiveControl('a program of the role admin reads', '200', await ask('GET', '/api/v1/people'))
        const passed: string[] = []
        for (const { method, path } of fresh) {
          signal.throwIfAborted()
          const code = await ask(
            method,
            fillPath(path, () => id),
          )
          // What concerns one's own account is closed to every token.
          if (code !== 'step-up-needed' && code !== 'forbidden') passed.push(`${method} ${path}: ${code}`)
        }
        check(`a program on ${fresh.length} routes that ask for a fresh factor, not refused`, [], passed)
        const begun = sessions.begin(operators, { id, password: null }, { device: 'probe', factors: ['otp'] })
        check('a session of a program', 'sign-in-refused', await outcomeOf(begun))
      })
    },
  })
}

/** Signing out, seeing who one is, and showing or enrolling the second factor. */
const BEFORE = [
  '/me',
  '/passkey',
  '/passkey/options',
  '/passkeys',
  '/passkeys/options',
  '/second-factor',
  '/second-factors',
  '/sign-out',
  '/totp',
  '/totp/confirm',
].map((path) => `/api/v1/auth${path}`)

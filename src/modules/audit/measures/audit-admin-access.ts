import type { Stores } from '../../../data/index.ts'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { IdentityApi } from '../../identity/index.ts'
import { deploymentTrail, type TrailEntry } from '../trail.ts'

/** What the probe acts through. */
interface Parts {
  control: Stores['control']
  identity: IdentityApi
  edge: EdgeApi
}

/** FSTV-09. Through the front door: an operator signs in, looks, and changes something. */
export function auditAdminAccess({ control, identity, edge }: Parts): Measure {
  const { people, operators } = identity
  return measure({
    key: 'audit.admin.access',
    sources: ['FSTV-09'],
    family: 'input',
    maps: { gdpr: ['5(2)', '32(1)(b)'], iso27001: ['A.8.2', 'A.8.15'] },
    claim: {
      de: () =>
        'Jeder Zugriff der Verwaltung wird protokolliert, auch ein lesender, bevor er ausgeführt wird: wer, wann, worauf.',
      en: () =>
        'Every access by the administration is recorded, reading ones too, before it is carried out: who, when, to what.',
    },
    async prove({ check, positiveControl }) {
      const password = `probe ${newId()}`
      const email = `auditor-${newId()}@canary.invalid`
      const id = await people.add(operators, { email, name: 'Auditor', role: 'auditor', password })
      const who = `operator:${id}`
      const seen = (filter: Record<string, string>) => deploymentTrail(control).page(filter, 50)
      const requests = async () => (await seen({ who })).map(({ target }) => target)
      try {
        positiveControl('entries of an operator who did nothing yet', [], await requests())
        const signIn = await ask(edge, 'POST', '/api/v1/auth/sign-in', { email, password })
        positiveControl('the operator signs in', 200, signIn.status)
        const events = (await seen({ target: 'identity.event' })).filter(({ after }) => isSignIn(after, id))
        check('entries of the sign-in that name the operator', 1, events.length)
        const hash = await people.passwordHashOf(operators, id)
        const session = await identity.sessions.begin(
          operators,
          { id, password: hash },
          { device: 'probe', factors: ['pwd', 'otp'] },
        )
        const token = session.access
        const read = await ask(edge, 'GET', '/api/v1/people', undefined, token)
        positiveControl('the operator reads the list of operators', 200, read.status)
        check('entries of that', ['GET /api/v1/people'], await requests())
        const refused = await ask(edge, 'PATCH', `/api/v1/people/${id}`, { state: 'disabled' }, token)
        check('a change that the role does not allow', 403, refused.status)
        const changed = await ask(edge, 'DELETE', `/api/v1/auth/sessions/${newId()}`, undefined, token)
        const written = (await requests()).filter((target) => target.startsWith('DELETE'))
        check(`entries of a writing request (answered ${changed.status})`, 1, written.length)
        const [newest] = await seen({ who })
        check('entries say when', true, isRecent(newest))
      } finally {
        await people.remove(operators, id)
      }
    },
  })
}

function ask(edge: EdgeApi, method: string, path: string, body?: object, token?: string) {
  return edge.request({
    host: edge.adminHost,
    method,
    path,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
}

const isSignIn = (after: TrailEntry['after'], id: string): boolean =>
  after?.kind === 'sign-in' && after.person_id === id

const isRecent = (entry: TrailEntry | undefined): boolean =>
  entry !== undefined && Math.abs(Date.now() - Date.parse(entry.at)) < 60_000

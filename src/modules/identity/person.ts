import { sql } from 'drizzle-orm'
import { defineProblem } from '../../kernel/problems.ts'
import type { Run } from './realm.ts'

/** The same for an unknown address, a wrong password, a disabled person, and a token of any kind that is not good. */
export const notSignedIn = defineProblem({ code: 'sign-in-refused', status: 401, title: 'Not signed in' })

/** The session shows a password only where more is needed. Enrolling or showing a second factor comes next. */
export const secondFactorNeeded = defineProblem({
  code: 'second-factor-needed',
  status: 403,
  title: 'A second factor is needed',
})

export const unknownPerson = defineProblem({ code: 'person-unknown', status: 404, title: 'No such person' })

/** Somebody who may sign in. */
export interface Person {
  id: string
  email: string
  name: string
  role: string
  state: 'active' | 'disabled'
}

/** Ends all sessions of a person in the transaction of the change that is the reason. */
export async function endSessionsOf(run: Run, personId: string, because: string, at: Date): Promise<void> {
  await run(sql`UPDATE identity.session SET ended_at = ${at.toISOString()}, ended_because = ${because}
    WHERE person_id = ${personId} AND ended_at IS NULL`)
}

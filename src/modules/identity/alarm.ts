import { sql } from 'drizzle-orm'
import type { Log } from '../../kernel/log.ts'
import type { MailApi } from '../mail/index.ts'
import type { Realm } from './realm.ts'
import type { Alarm } from './refresh.ts'

const SUBJECT = 'Sitzung beendet: bitte prüfen / Session ended: please check'
const TEXT = `Eine Ihrer Sitzungen wurde beendet, weil ein verbrauchtes Anmelde-Token erneut verwendet wurde. Jemand könnte
es kopiert haben. Melden Sie sich neu an, prüfen Sie unter "Sitzungen", wo Sie angemeldet sind, und ändern Sie Ihr
Passwort, wenn Sie etwas nicht kennen.

One of your sessions was ended because a spent sign-in token was used again. Somebody may have copied it. Sign in
again, look under "Sessions" where you are signed in, and change your password if you do not recognise something.
`

/**
 * Tells the log and the person. The event itself is in the database before this: a mail that is lost in a crash loses
 * nothing that the person cannot see under their events.
 */
export function raiseAlarm({ log, mail }: { log: Log; mail: MailApi }, realm: Realm, alarm: Alarm): void {
  log.warn({ alarm: alarm.kind, realm: realm.name, ...alarm }, 'a session was ended for safety')
  const told = async () => {
    const [person] = await realm.transaction((run) =>
      run<{ email: string }>(sql`SELECT email FROM identity.person WHERE id = ${alarm.personId}`),
    )
    if (person) await mail.send({ to: person.email, subject: SUBJECT, text: TEXT })
  }
  told().catch((error: unknown) => log.error({ err: error }, 'a person was not told'))
}

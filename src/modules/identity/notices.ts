import { sql } from 'drizzle-orm'
import type { Log } from '../../kernel/log.ts'
import type { MailApi } from '../mail/index.ts'
import type { Realm } from './realm.ts'

/** What a person hears of by mail, because somebody else may have done it (ASVS 6.3.7). */
export type Notice = 'session-ended' | 'password-changed' | 'second-factor-added' | 'second-factor-removed'

interface Letter {
  subject: string
  de: string
  en: string
}

const LETTERS: Record<Notice, Letter> = {
  'session-ended': {
    subject: 'Sitzung beendet: bitte prüfen / Session ended: please check',
    de: 'Eine Ihrer Sitzungen wurde beendet, weil ein verbrauchtes Anmelde-Token erneut verwendet wurde. Jemand könnte es kopiert haben. Melden Sie sich neu an und prüfen Sie unter "Sitzungen", wo Sie angemeldet sind.',
    en: 'One of your sessions was ended because a spent sign-in token was used again. Somebody may have copied it. Sign in again and look under "Sessions" where you are signed in.',
  },
  'password-changed': {
    subject: 'Passwort geändert / Password changed',
    de: 'Ihr Passwort wurde geändert; alle Sitzungen wurden beendet.',
    en: 'Your password was changed; all sessions were ended.',
  },
  'second-factor-added': {
    subject: 'Zweiter Faktor hinzugefügt / Second factor added',
    de: 'Ihrem Konto wurde ein zweiter Faktor hinzugefügt: eine Authenticator-App oder ein Passkey.',
    en: 'A second factor was added to your account: an authenticator app or a passkey.',
  },
  'second-factor-removed': {
    subject: 'Zweiter Faktor entfernt / Second factor removed',
    de: 'Von Ihrem Konto wurde ein zweiter Faktor entfernt.',
    en: 'A second factor was removed from your account.',
  },
}

const NOT_YOU = {
  de: 'Wenn Sie das nicht waren: Ändern Sie Ihr Passwort, beenden Sie fremde Sitzungen und sagen Sie es Ihrer Administration.',
  en: 'If this was not you: change your password, end sessions that are not yours, and tell your administrator.',
}

/** Tells people what happened to their access. */
export interface Notices {
  /**
   * Sends one letter; nobody waits for it. What it tells of stands among the person's events already, so a letter that is
   * lost loses nothing else.
   */
  tell(realm: Realm, personId: string, notice: Notice): void
}

export function openNotices({ log, mail }: { log: Log; mail: MailApi }): Notices {
  const send = async (realm: Realm, personId: string, notice: Notice) => {
    const [person] = await realm.transaction((run) =>
      run<{ email: string }>(
        sql`SELECT email FROM identity.person WHERE id = ${personId} AND kind = 'person'`,
      ),
    )
    if (!person) return
    const { subject, de, en } = LETTERS[notice]
    const text = `${de}\n${NOT_YOU.de}\n\n${en}\n${NOT_YOU.en}\n`
    await mail.send({ to: person.email, subject, text })
  }
  return {
    tell(realm, personId, notice) {
      send(realm, personId, notice).catch((error: unknown) =>
        log.error({ err: error, notice }, 'a person was not told'),
      )
    },
  }
}

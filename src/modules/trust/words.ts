import type { Language } from '../../kernel/duration.ts'
import type { Family, Outcome } from '../../proof/measure.ts'

/** Outcome words as a reader sees them, with the sign that stands beside the colour. */
export const outcomeWords: Record<
  Outcome,
  { de: string; en: string; sign: string; tone: 'good' | 'bad' | 'open' }
> = {
  proven: { de: 'bewiesen', en: 'proven', sign: '✓', tone: 'good' },
  attested: { de: 'bescheinigt', en: 'attested', sign: '✓', tone: 'good' },
  failed: { de: 'nicht eingehalten', en: 'failed', sign: '✕', tone: 'bad' },
  error: { de: 'Prüfung gestört', en: 'probe error', sign: '!', tone: 'bad' },
  stale: { de: 'veraltet', en: 'stale', sign: '◷', tone: 'open' },
  'never-run': { de: 'noch nicht geprüft', en: 'not checked yet', sign: '○', tone: 'open' },
  'not-observable': { de: 'von hier nicht prüfbar', en: 'not observable from here', sign: '◌', tone: 'open' },
  'not-applicable': { de: 'nicht zugesagt', en: 'not promised', sign: '–', tone: 'open' },
  'attestation-expired': {
    de: 'Bescheinigung abgelaufen',
    en: 'attestation expired',
    sign: '◷',
    tone: 'bad',
  },
}

/** TOM families, in the order of the document. */
export const familyWords: Record<Family, { de: string; en: string }> = {
  'system-access': { de: 'Zugangskontrolle', en: 'System access' },
  'data-access': { de: 'Zugriffskontrolle', en: 'Data access' },
  separation: { de: 'Trennung', en: 'Separation' },
  encryption: { de: 'Verschlüsselung', en: 'Encryption' },
  transfer: { de: 'Weitergabe', en: 'Transfer' },
  input: { de: 'Eingabe und Integrität', en: 'Input and integrity' },
  availability: { de: 'Verfügbarkeit', en: 'Availability' },
  recoverability: { de: 'Wiederherstellbarkeit', en: 'Recoverability' },
  review: { de: 'Regelmäßige Überprüfung', en: 'Regular review' },
}

/** Every other sentence of the pages. */
export const words = {
  de: {
    title: 'Sicherheit, nachgewiesen',
    lead: 'Jeder Satz auf dieser Seite wird von einer Prüfung angegriffen. Kein Status lässt sich von Hand setzen.',
    broken: 'Gilt gerade nicht',
    disturbed: 'Gerade ungewiss: die Prüfung selbst ist gestört',
    outdated: 'Zu lange nicht geprüft',
    recent: 'Letzte Prüfungen',
    settings: 'Einstellungen',
    settingsWhy: 'Mit diesen Einstellungen läuft die Plattform; der Satz oben nimmt sie von hier.',
    maps: 'Trägt bei zu',
    freshUntil: 'Gilt als geprüft bis',
    lasted: 'bis zur nächsten erfolgreichen Prüfung:',
    still: 'dauert an',
    verify: 'Selbst nachprüfen',
    verifyLead:
      'Sie müssen uns nicht glauben. Alles, was hier steht, ist in einem Protokoll, das nur wächst und dessen Stand signiert ist.',
    verifyKey: 'Der Schlüssel des Protokolls. Vergleichen Sie ihn mit dem aus Ihrem Vertrag:',
    verifyOne: 'Einen Nachweis, ohne Netz:',
    verifyAll:
      'Das ganze Protokoll: jeder Eintrag wird gelesen, der Baum neu gebaut, die Signatur verglichen:',
    verifyEarlier:
      'Heben Sie den signierten Stand von heute auf. Später zeigt er, dass seither nichts geändert und nichts abgeschnitten wurde:',
    verifyWitness:
      'Ein Zeuge merkt sich das Protokoll und unterschreibt nur, was es fortsetzt. Ohne selbst etwas aufgehoben zu haben, sehen Sie damit, dass nichts abgeschnitten wurde:',
    verifyOther: 'Ohne Werkzeug von uns: das Protokoll folgt offenen Formaten',
    checked: 'zuletzt geprüft',
    never: 'noch nie',
    tried: 'Versucht',
    expected: 'Erwartet',
    seen: 'Gesehen',
    checks: 'Was geprüft wurde',
    controls: 'Gegenproben',
    controlsWhy:
      'Hier wurde der schlechte Zustand absichtlich hergestellt. Die Prüfung muss ihn sehen, sonst bewiese sie nichts.',
    history: 'Verlauf',
    evidence: 'Nachweis',
    evidenceWhy:
      'Der Eintrag steht in einem signierten, nur anfügbaren Protokoll und lässt sich ohne uns prüfen:',
    download: 'Nachweis herunterladen',
    back: 'Alle Maßnahmen',
    chapters: 'Kapitel',
    empty: 'Die Prüfungen laufen zum ersten Mal; gleich steht hier ein Ergebnis.',
    sources: 'Zugesagt in',
    checkpoint: 'Signierter Stand des Protokolls',
    key: 'Schlüssel des Protokolls',
    of: 'von',
  },
  en: {
    title: 'Security, proven',
    lead: 'Every sentence on this page is attacked by a probe. No status can be set by hand.',
    broken: 'Not holding right now',
    disturbed: 'Uncertain right now: the probe itself is disturbed',
    outdated: 'Not checked for too long',
    recent: 'Latest runs',
    settings: 'Settings',
    settingsWhy: 'The platform runs with these; the sentence above takes them from here.',
    maps: 'Supports',
    freshUntil: 'Counts as checked until',
    lasted: 'until the next proof:',
    still: 'still so',
    verify: 'Verify it yourself',
    verifyLead:
      'You need not believe us. Everything shown here stands in a log that only grows and whose state is signed.',
    verifyKey: "The log's key. Compare it with the one in your contract:",
    verifyOne: 'One proof, offline:',
    verifyAll: 'The whole log: every record is read, the tree built anew, the signature compared:',
    verifyEarlier: "Keep today's signed state. Later it shows that nothing was changed or cut off since:",
    verifyWitness:
      'A witness remembers the log and signs only what continues it. Without having kept anything yourself, you see that nothing was cut off:',
    verifyOther: 'Without any tool of ours: the log follows open formats',
    checked: 'last checked',
    never: 'never',
    tried: 'Tried',
    expected: 'Expected',
    seen: 'Seen',
    checks: 'What was checked',
    controls: 'Positive controls',
    controlsWhy:
      'Here the bad state was made on purpose. The probe must see it, else it would prove nothing.',
    history: 'History',
    evidence: 'Evidence',
    evidenceWhy: 'The record stands in a signed, append-only log and can be verified without us:',
    download: 'Download the proof',
    back: 'All measures',
    chapters: 'Chapters',
    empty: 'The probes are running for the first time; results appear here in a moment.',
    sources: 'Promised in',
    checkpoint: 'Signed state of the log',
    key: 'Key of the log',
    of: 'of',
  },
} as const satisfies Record<Language, Record<string, string>>

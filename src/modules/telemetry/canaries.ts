import { randomBytes } from 'node:crypto'
import type { Attributes } from '@opentelemetry/api'
import type { Log } from '../../kernel/log.ts'

/** What must not be seen again. Made anew for each probe, so that none is found that an earlier one left. */
export interface Canaries {
  /** Has no look of a secret: only its name tells. */
  secret: string
  mail: string
  jwt: string
}

export function makeCanaries(): Canaries {
  const nonce = randomBytes(9).toString('hex')
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    secret: `canary${nonce}`,
    mail: `canary.${nonce}@mail.invalid`,
    jwt: `${part({ alg: 'ES256' })}.${part({ sub: nonce })}.${part({ canary: nonce })}`,
  }
}

/** Which of the canaries stand in `text`, in whatever way a URL or JSON writes them. */
export const seenIn = (text: string, { secret, mail, jwt }: Canaries): string[] =>
  Object.entries({
    secret: [secret],
    mail: [mail, encodeURIComponent(mail), mail.split('@')[0] as string],
    jwt: jwt.split('.').slice(1),
  }).flatMap(([kind, looks]) => (looks.some((look) => text.includes(look)) ? [kind] : []))

/** Names of fields that the published page lists. */
const FIELDS = [
  'password',
  'token',
  'accessToken',
  'jwt',
  'authorization',
  'cookie',
  'apiKey',
  'DATABASE_URL',
  'REDIS_URL',
  'SMTP_PASS',
  'email',
]
const DEEPEST = 5

type Write = (log: Log) => void

/** Ways in which a program gives itself away, by what each is called. */
export function waysToLeak({ secret, mail, jwt }: Canaries): Record<string, Write> {
  const cause = new Error('outer', { cause: new Error('middle', { cause: new Error(`password=${secret}`) }) })
  const url = `https://app:${secret}@api.invalid/x?token=${secret}&mail=${encodeURIComponent(mail)}`
  return {
    ...fieldsAtDepth(secret),
    'a field of a child log': (log) => log.child({ user: { token: secret } }).info('canary'),
    'the cause of a cause': (log) => log.info({ err: cause }, 'canary'),
    'headers on an error': (log) =>
      log.info({ err: Object.assign(new Error('x'), { headers: { authorization: secret } }) }),
    'a URL with a password and a query string': (log) => log.info({ url }),
    'a URL in a message': (log) => log.info(`GET ${url}`),
    'a mail address in a message': (log) => log.info('no account for %s', mail),
    'a mail address in an error': (log) =>
      log.info({ err: new Error(`Key (email)=(${mail}) already exists.`) }),
    'a JWT in a message': (log) => log.info(`refused ${jwt}`),
    'a bearer header in a message': (log) => log.info(`Authorization: Bearer ${secret}`),
    'JSON in a string': (log) => log.info({ body: JSON.stringify({ password: secret, email: mail }) }),
  }
}

function fieldsAtDepth(secret: string): Record<string, Write> {
  const ways: Record<string, Write> = {}
  for (const field of FIELDS)
    for (let depth = 1; depth <= DEEPEST; depth += 1) {
      const nested = (left: number): object =>
        left === 1 ? { [field]: secret } : { inner: [nested(left - 1)] }
      ways[`${field} at depth ${depth}`] = (log) => log.info(nested(depth), 'canary')
    }
  return ways
}

/** What a program may tell of a span although it should not, by where it has it from. */
export function factsThatLeak({ secret, mail, jwt }: Canaries): Record<string, Attributes> {
  const parameters = `token=${secret}&mail=${encodeURIComponent(mail)}`
  return {
    'the path': { 'url.path': `/api/v1/people/${mail}`, 'url.full': `https://app:${secret}@x.invalid/` },
    'the query': { 'url.query': `?${parameters}`, 'url.full': `https://x.invalid/?${parameters}` },
    'a header': { 'http.request.header.authorization': `Bearer ${secret}` },
    'several headers': { 'http.request.header.cookie': [`sid=${secret}`, `who=${mail}`] },
    SQL: { 'db.query.text': `UPDATE person SET password='${secret}' WHERE email = '${mail}'` },
    'a parameter of SQL': { 'db.query.parameter.password': secret, 'db.query.parameter.1': mail },
    'the data of a job': { 'messaging.message.body': JSON.stringify({ password: secret, email: mail, jwt }) },
    'the message of an error': { 'exception.message': `no account for ${mail}, token=${secret}, ${jwt}` },
    'who asked': { 'user.email': mail, 'enduser.id': mail },
  }
}

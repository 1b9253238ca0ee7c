import { fillPath, type InputSchema, type Operation, sample } from './document.ts'

/** One request that no well-behaved client sends. */
export interface Malformed {
  method: string
  path: string
  headers: Record<string, string>
  body?: string | Buffer
  /** Whether the route's own schema excludes it, so that a 2xx is wrong. */
  excluded: boolean
}

const ID = '0190c2a0-0000-7000-8000-000000000000'
const JSON_TYPE = { 'content-type': 'application/json' }

/** Texts that have broken parsers before: NUL, broken UTF-8 and percent signs, traversal, huge and odd numbers. */
const NASTY = ['%00', '%C3%28', '..%2F..%2Fetc', `${'a'.repeat(400)}`, '%F0%9F%92%A9', '-1', '1e309', "'--"]

/** The attacks that the operation's description suggests. */
export function malformedRequests(operation: Operation): Malformed[] {
  return [...inPath(operation), ...inQuery(operation), ...inBody(operation)]
}

function inPath({ method, path, parameters, body }: Operation): Malformed[] {
  const inPath = parameters.filter((parameter) => parameter.in === 'path')
  return inPath.flatMap(({ name, schema }) =>
    [...NASTY, ...outside(schema).map(encodeURIComponent)].map((text) => ({
      ...request(method, body),
      path: fillPath(path, (one) =>
        one === name ? text : encodeURIComponent(String(fitting(parameters, one))),
      ),
      excluded: outside(schema).map(encodeURIComponent).includes(text),
    })),
  )
}

function inQuery({ method, path, parameters, body }: Operation): Malformed[] {
  const target = fillPath(path, (name) => encodeURIComponent(String(fitting(parameters, name))))
  const known = parameters.filter((parameter) => parameter.in === 'query')
  const one = (query: string, excluded = false): Malformed => ({
    ...request(method, body),
    path: `${target}?${query}`,
    excluded,
  })
  return [
    one('%'),
    one('__proto__[x]=1&constructor=1'),
    one('a='.repeat(2_000)),
    ...known.flatMap(({ name, schema }) => [
      ...NASTY.map((text) => one(`${name}=${text}`)),
      one(`${name}=1&${name}=2`),
      ...outside(schema).map((text) => one(`${name}=${encodeURIComponent(text)}`, true)),
    ]),
  ]
}

function inBody({ method, path, parameters, body }: Operation): Malformed[] {
  if (!body) return []
  const target = fillPath(path, (name) => encodeURIComponent(String(fitting(parameters, name))))
  const fit = sample(body, ID) as Record<string, unknown>
  const send = (
    text: string | Buffer,
    excluded = true,
    headers: Record<string, string> = JSON_TYPE,
  ): Malformed => ({
    method,
    path: target,
    headers,
    body: text,
    excluded,
  })
  const missing = (body.required ?? []).map((name) => JSON.stringify({ ...fit, [name]: undefined }))
  const wrong = Object.entries(body.properties ?? {}).flatMap(([name, schema]) =>
    wrongTypes(schema).map((value) => JSON.stringify({ ...fit, [name]: value })),
  )
  return [
    ...['', '{', 'null', '[]', '"text"', '1', '{"__proto__":{"x":1}}', ...missing, ...wrong].map((text) =>
      send(text),
    ),
    send('['.repeat(5_000) + ']'.repeat(5_000)),
    send(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
    send('x'.repeat(1_100_000)),
    send('a=b', true, { 'content-type': 'application/x-www-form-urlencoded' }),
    send('<x/>', true, { 'content-type': 'text/xml' }),
  ]
}

function request(method: string, body: InputSchema | undefined) {
  return body
    ? { method, headers: JSON_TYPE, body: JSON.stringify(sample(body, ID)) }
    : { method, headers: {} as Record<string, string> }
}

function fitting(parameters: Operation['parameters'], name: string): unknown {
  return sample(parameters.find((parameter) => parameter.name === name)?.schema, ID)
}

/** Texts that `schema` does not allow. */
function outside(schema: InputSchema | undefined): string[] {
  if (schema?.enum) return ['no-such-word']
  if (schema?.type === 'integer' || schema?.type === 'number') return ['abc', 'NaN', '0x10g']
  if (schema?.type === 'boolean') return ['perhaps']
  if (schema?.format === 'uuid') return ['not-an-id', '1']
  if (schema?.maxLength !== undefined) return ['x'.repeat(schema.maxLength + 1)]
  return []
}

/** Values of another type than `schema` wants. */
function wrongTypes(schema: InputSchema): unknown[] {
  const values: [string, unknown][] = [
    ['object', { a: 1 }],
    ['array', [1]],
    ['string', 'text\u0000'],
    ['number', 1.5],
    ['boolean', true],
  ]
  const same = schema.type === 'integer' ? 'number' : schema.type
  return schema.type ? values.filter(([type]) => type !== same).map(([, value]) => value) : []
}

import Fastify from 'fastify'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { TenancyApi } from '../../tenancy/index.ts'
import { type Operation, readOperations } from '../document.ts'
import { type Malformed, malformedRequests } from '../malformed.ts'

interface Answer {
  status: number
  type: string
  body: string
}
type Ask = (request: Malformed) => Promise<Answer>

/** CAST-54, the server's half; the client's half comes with the pages that have forms. */
export function inputValidation(edge: EdgeApi, tenancy: TenancyApi): Measure {
  return measure({
    key: 'input.validation',
    sources: ['CAST-54'],
    family: 'input',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.26', 'A.8.28'] },
    timeout: 300_000,
    claim: {
      de: () => 'Der Server prüft jede Eingabe gegen ein Schema (zod) und weist ab, was nicht passt.',
      en: () => 'The server checks every input against a schema (zod) and refuses what does not fit.',
    },
    async prove({ check, positiveControl, signal }) {
      const planted = await attack(malformedRequests(UNCHECKED), askUnchecked)
      positiveControl('a route without validation breaks under the same attack', true, planted.length > 0)
      const [pair] = await tenancy.canaries.open()
      const tenantHost = pair?.a.hosts[0] as string
      for (const host of [edge.trustHost, edge.adminHost, tenantHost]) {
        for (const operation of await readOperations(edge, host)) {
          signal.throwIfAborted()
          const requests = malformedRequests(operation)
          const wrong = await attack(requests, (request) => askThere(edge, operation, request))
          const { method, path } = operation
          check(`${host}: ${method} ${path}, ${requests.length} malformed requests, wrong answers`, [], wrong)
          check(`${host}: ${method} ${path}, parameters without a rule`, [], unruled(operation))
        }
      }
    },
  })
}

/** What the requests made go wrong: broken (5xx), taken although excluded, or said too much. At most five are named. */
async function attack(requests: readonly Malformed[], ask: Ask): Promise<string[]> {
  const wrong: string[] = []
  for (const request of requests) {
    const { status, type, body } = await ask(request).catch(noAnswer)
    const verdict =
      status === 0
        ? `gave no answer (${body})`
        : status >= 500
          ? 'broke'
          : status < 400 && request.excluded
            ? 'was taken'
            : status >= 400 && !type.startsWith('application/problem+json')
              ? 'is no problem document'
              : status >= 400 && /\.ts:\d|node_modules|at async |SELECT /.test(body)
                ? 'shows its inside'
                : undefined
    if (verdict)
      wrong.push(
        `${status} ${verdict}: ${request.path.slice(0, 60)} ${String(request.body ?? '').slice(0, 40)}`,
      )
  }
  return wrong.slice(0, 5)
}

const noAnswer = (error: Error & { code?: string }): Answer => ({
  status: 0,
  type: '',
  body: error.code ?? error.message,
})

async function askThere(edge: EdgeApi, { host }: Operation, request: Malformed): Promise<Answer> {
  const { method, path, body, headers } = request
  const answer = await edge.request({ host, kept: true, method, path, body, headers })
  return { status: answer.status, type: String(answer.headers['content-type'] ?? ''), body: answer.body }
}

/** A text parameter of a path that may be anything is as good as unchecked. */
function unruled({ parameters }: Operation): string[] {
  return parameters
    .filter((parameter) => parameter.in === 'path')
    .filter(
      ({ schema: { type, format, pattern, enum: words } = {} }) =>
        type === 'string' && !format && !pattern && !words,
    )
    .map(({ name }) => name)
}

const UNCHECKED: Operation = {
  host: 'unchecked.invalid',
  method: 'POST',
  path: '/things/{id}',
  guarded: false,
  recent: false,
  parameters: [{ name: 'id', in: 'path', schema: { type: 'integer' } }],
  body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
}

/** A route as one is written in haste: it trusts what comes. */
async function askUnchecked(request: Malformed): Promise<Answer> {
  const app = Fastify({ logger: false })
  app.post('/things/:id', async ({ body }) => (body as { name: string }).name.trim())
  const method = request.method as 'POST'
  const { statusCode, headers, body } = await app.inject({
    method,
    url: request.path,
    headers: request.headers,
    payload: request.body,
  })
  await app.close()
  return { status: statusCode, type: String(headers['content-type'] ?? ''), body }
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyError } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { preferredLanguage } from '../kernel/language.ts'
import { defineProblem, Problem } from '../kernel/problems.ts'
import { ERROR_PAGE_CSP, errorPage } from './errorPage.ts'
import { HEADERS } from './headers.ts'

const invalidInput = defineProblem({ code: 'invalid-input', status: 400, title: 'The request is not valid' })
const internal = defineProblem({ code: 'internal', status: 500, title: 'Something went wrong here' })

/** Any error as the problem that its caller may see: nothing that stood inside an unexpected one. */
export function toProblem(error: FastifyError | Problem | Error): Problem {
  if (error instanceof Problem) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map(({ instancePath, message }) => ({ path: instancePath, message }))
    return invalidInput('The request does not fit what this route takes.', { extensions: { issues } })
  }
  const { statusCode: status = 500, code } = error as FastifyError
  return status >= 400 && status < 500
    ? new Problem({ code: 'request-refused', status, title: 'The request was refused' }, detail(error, code))
    : internal('The error was logged; try again later.')
}

/** Only Fastify's own sentences are written for callers; another error's may hold what is not theirs. */
function detail(error: Error, code: string | undefined): string {
  return code?.startsWith('FST_ERR_') ? error.message : 'The request was refused.'
}

/** The headers and text of `problem` for this caller: a page for a browser that navigates, else RFC 9457. */
export function render(
  problem: Problem,
  request: IncomingMessage,
): { headers: Record<string, string>; text: string } {
  const { accept, 'accept-language': languages } = request.headers
  const page = accept?.includes('text/html') && !request.url?.startsWith('/api/')
  return page
    ? {
        headers: {
          ...HEADERS,
          'content-security-policy': ERROR_PAGE_CSP,
          'content-type': 'text/html; charset=utf-8',
        },
        text: errorPage(problem, preferredLanguage(languages)),
      }
    : {
        headers: { ...HEADERS, 'content-type': 'application/problem+json' },
        text: JSON.stringify(problem.details()),
      }
}

/** Answers a request that no audience takes. */
export function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const { headers, text } = render(problem, request)
  request.resume()
  response.writeHead(problem.status, headers).end(text)
}

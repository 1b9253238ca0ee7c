import { defineProblem } from '../../kernel/problems.ts'

export const notConfigured = defineProblem({
  code: 'push-not-configured',
  status: 409,
  title: 'This tenant has no credentials of its own for that service',
})
export const badKey = defineProblem({ code: 'push-key', status: 400, title: 'This key cannot be used' })
export const credentialsRefused = defineProblem({
  code: 'push-credentials-refused',
  status: 502,
  title: 'The push service refused the credentials',
})
export const secondFactorFirst = defineProblem({
  code: 'step-up-needed',
  status: 403,
  title: 'Show once more that it is you',
})

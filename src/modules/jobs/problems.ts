import { defineProblem } from '../../kernel/problems.ts'

export const jobsUnavailable = defineProblem({
  code: 'jobs-unavailable',
  status: 503,
  title: 'The job queue is away',
})
export const jobNotDead = defineProblem({
  code: 'job-not-dead',
  status: 404,
  title: 'No dead job has this id',
})
export const jobTwice = defineProblem({
  code: 'job-twice',
  status: 500,
  title: 'Two kinds of job have one name',
})

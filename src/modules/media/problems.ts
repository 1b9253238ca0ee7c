import { defineProblem } from '../../kernel/problems.ts'

/** The kernel cannot confine a process here, although the setting asks for it. */
export const noSandbox = defineProblem({
  code: 'sandbox-unavailable',
  status: 500,
  title: 'Foreign files cannot be read safely here',
})
export const badPlace = defineProblem({
  code: 'sandbox-worker-place',
  status: 500,
  title: 'A worker lies where it would see too much',
})
export const busy = defineProblem({
  code: 'sandbox-busy',
  status: 503,
  title: 'Too many files are being read',
})
export const tooLong = defineProblem({
  code: 'sandbox-timeout',
  status: 422,
  title: 'Reading the file took too long',
})
export const tooMuchMemory = defineProblem({
  code: 'sandbox-memory',
  status: 422,
  title: 'Reading the file took too much memory',
})
export const died = defineProblem({
  code: 'sandbox-died',
  status: 422,
  title: 'Reading the file ended early',
})
export const workerThrew = defineProblem({
  code: 'sandbox-worker',
  status: 422,
  title: 'The file cannot be read',
})
export const badAnswer = defineProblem({
  code: 'sandbox-answer',
  status: 422,
  title: 'Reading the file gave no sound answer',
})

import { defineProblem } from '../../kernel/problems.ts'

export const noMaterial = defineProblem({
  code: 'signing-material',
  status: 404,
  title: 'This tenant has no such signing material',
})
/** One answer for every token that does not fetch, whatever is wrong with it. */
export const tokenRefused = defineProblem({
  code: 'signing-token-refused',
  status: 401,
  title: 'This token fetches nothing here',
})
export const noMemory = defineProblem({
  code: 'signing-no-memory',
  status: 500,
  title: 'Signing material would not stay in memory on this machine',
})

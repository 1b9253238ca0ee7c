import { defineProblem } from '../../kernel/problems.ts'

/** One answer for everything that does not open, whatever was done to it. */
export const refused = defineProblem({
  code: 'vault-refused',
  status: 500,
  title: 'A stored secret was changed or moved',
})
export const destroyed = defineProblem({
  code: 'vault-destroyed',
  status: 410,
  title: 'The keys of this tenant were destroyed',
})
export const badContext = defineProblem({
  code: 'vault-context',
  status: 500,
  title: 'A secret cannot be bound to its row',
})
export const masterKeyMissing = defineProblem({
  code: 'master-key-missing',
  status: 500,
  title: 'A master key is not here',
})
export const masterKeyInvalid = defineProblem({
  code: 'master-key-invalid',
  status: 500,
  title: 'A master key cannot be used',
})
export const noVersionLeft = defineProblem({
  code: 'master-key-last',
  status: 409,
  title: 'There is no version after v16',
})

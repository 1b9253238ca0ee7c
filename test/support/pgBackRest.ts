import { findPgBackRest } from '../../src/data/local/binaries.ts'

/** Why pgbackrest is not here, for `{ skip }`; false when it is. */
export const noPgBackRest = (): string | false =>
  findPgBackRest() ? false : 'pgbackrest is not installed (Debian: apt install pgbackrest)'

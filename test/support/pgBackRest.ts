import { canInstallPackages } from '../../src/data/local/apt.ts'
import { ensureServers, findPgBackRest } from '../../src/data/local/binaries.ts'

/** False when pgbackrest is there, installed first when root on Debian; else why not, for `{ skip }`. */
export async function findPgBackRestOrWhy(): Promise<false | string> {
  if (findPgBackRest()) return false
  if (!canInstallPackages()) return 'pgbackrest is not installed (Debian: apt install pgbackrest)'
  return ensureServers(['pgbackrest'], (line) => console.error(line)).then(
    () => false,
    (error: Error) => `pgbackrest could not be installed: ${error.message}`,
  )
}

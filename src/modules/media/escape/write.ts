import { openSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Aims, Ways } from './breakOut.ts'

/** Ways to leave something outside. What they leave where nothing is in the way, whoever tries removes. */
export function waysToWrite({ target, shared, confined }: Aims): Ways {
  const write = (path: string) => {
    writeFileSync(path, 'planted')
    return 'reached'
  }
  return {
    "writing into the other tenant's folder": () => write(join(dirname(target), 'planted')),
    'writing a database into it': async () => {
      const { DatabaseSync } = await import('node:sqlite')
      new DatabaseSync(join(dirname(target), `planted-${process.pid}.db`)).exec(
        'CREATE TABLE IF NOT EXISTS planted (x)',
      )
      return 'reached'
    },
    'writing into memory that is shared': () => write(shared),
    // Opened and left as it is: were the walls down, nobody's programs should be harmed.
    ...(confined && {
      "opening the program's code for writing": () => openSync(import.meta.filename, 'r+') && 'reached',
      "opening Node's code for writing": () => openSync(process.execPath, 'r+') && 'reached',
      'opening a program of the system for writing': () => openSync('/usr/bin/env', 'r+') && 'reached',
    }),
  }
}

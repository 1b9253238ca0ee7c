import { join } from 'node:path'
import { isProgram, pathFolders } from '../../src/data/local/binaries.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

/** The program to give playwright-core as `executablePath`, or why there is none, for `test(name, { skip: reason })`. */
export function findChromium(): { path: string } | { reason: string } {
  const path = locate()
  return path ? { path } : { reason: 'Chromium is not installed (Debian: apt install chromium)' }
}

function locate(): string | undefined {
  const candidates = [...pathFolders().flatMap((folder) => NAMES.map((name) => join(folder, name))), MAC]
  return candidates.find(isProgram)
}

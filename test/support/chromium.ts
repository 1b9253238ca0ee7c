import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { canInstallPackages, installPackages } from '../../src/data/local/apt.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const MAC = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

/**
 * The program to give playwright-core as `executablePath`, installed first when root on Debian; or the reason why
 * there is none, for `test(name, { skip: reason })`.
 */
export async function findChromium(): Promise<{ path: string } | { reason: string }> {
  const found = locate()
  if (found) return { path: found }
  if (!canInstallPackages()) return { reason: 'Chromium is not installed (Debian: apt install chromium)' }
  try {
    await installPackages(['chromium'], (line) => console.error(line))
  } catch (error) {
    return { reason: `Chromium could not be installed: ${(error as Error).message}` }
  }
  const path = locate()
  return path ? { path } : { reason: 'The package chromium brought no program named chromium' }
}

function locate(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const candidates = [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), MAC]
  return candidates.find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { findExposed, secretFiles } from './secretFiles.ts'

const folder = mkdtempSync(join(tmpdir(), 'secret-files-'))
const elsewhere = mkdtempSync(join(tmpdir(), 'secret-files-'))
after(() => {
  for (const one of [folder, elsewhere]) rmSync(one, { recursive: true })
})

function file(name: string, mode = 0o600): string {
  writeFileSync(name, 'secret')
  chmodSync(name, mode)
  return name
}

it('files of secrets are those of the folder and those that settings name', () => {
  const own = file(join(folder, 'vault-v1'))
  file(join(folder, 'local-authority.crt'), 0o644)
  file(join(folder, 'log-key.pub'), 0o644)
  const [a, b, c, ca] = ['a', 'b', 'c', 'ca'].map((name) => file(join(elsewhere, name)))
  const environment = {
    SURETY_STORES__APP_PASSWORD_FILE_NAME: a,
    SURETY_STORES__CA_FILE_NAME: ca,
    SURETY_VAULT__MASTER_KEY_FILE_NAMES: JSON.stringify({ v1: b, v2: join(elsewhere, 'missing') }),
    SURETY_VAULT__TRANSIT: JSON.stringify({ address: 'https://x', tokenFileName: c, caFileName: ca }),
    PATH: '/bin',
  }
  assert.deepEqual(secretFiles(folder, environment), [own, a, b, c].sort())
})

it('a file that group or others may touch is exposed', () => {
  const modes = [0o600, 0o400, 0o640, 0o604, 0o620]
  const files = modes.map((mode) => file(join(elsewhere, `mode-${mode}`), mode))
  assert.deepEqual(
    findExposed(files).map(({ mode }) => mode),
    ['0640', '0604', '0620'],
  )
})

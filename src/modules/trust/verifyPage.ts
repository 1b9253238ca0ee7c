import { html } from 'ghtml'
import type { Language } from '../../kernel/duration.ts'
import { page } from './page.ts'
import { words } from './words.ts'

/** How a reader checks everything without us. */
export function verifyPage(
  language: Language,
  name: string,
  origin: string,
  { logKey, witnessKey }: { logKey: string | null; witnessKey: string | null },
): string {
  const text = words[language]
  const key = logKey ? ` --key '${logKey}'` : ''
  const body = html`
<h1>${text.verify}</h1>
<p class="lead">${text.verifyLead}</p>
!${logKey ? html`<section><p>${text.verifyKey}</p><pre tabindex="0">${logKey}</pre></section>` : ''}
<section><p>${text.verifyOne}</p><pre tabindex="0">surety verify proof.json${key}</pre></section>
<section><p>${text.verifyAll}</p><pre tabindex="0">surety verify --url ${origin}/log${key}</pre></section>
<section><p>${text.verifyEarlier}</p><pre tabindex="0">curl -o checkpoint ${origin}/log/checkpoint
surety verify --url ${origin}/log --earlier checkpoint${key}</pre></section>
!${witnessKey ? html`<section><p>${text.verifyWitness}</p><pre tabindex="0">surety verify --url ${origin}/log${key} --witness-key '${witnessKey}'</pre></section>` : ''}
<section><p>${text.verifyOther}: RFC 6962, RFC 8785, <a href="https://c2sp.org/tlog-tiles">C2SP tlog-tiles</a>, <a href="https://c2sp.org/tlog-checkpoint">tlog-checkpoint</a>, <a href="https://c2sp.org/signed-note">signed-note</a>.</p></section>`
  return page(language, name, '/verify', text.verify, body)
}

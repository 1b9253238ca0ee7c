import { useQueryClient } from '@tanstack/react-query'
import { showSignedOut } from '../api/queries.ts'
import type { Me } from '../api/routes.ts'
import { useWords } from '../words/index.tsx'

/** Says on every page who really acts. */
export function Impersonated({ me }: { me: Me }) {
  const { impersonation: words } = useWords()
  const client = useQueryClient()
  return (
    <section className="banner" aria-label={words.title}>
      <strong>{words.banner(me.impersonator ?? '', me.name)}</strong>
      <button type="button" onClick={() => showSignedOut(client)}>
        {words.stop}
      </button>
    </section>
  )
}

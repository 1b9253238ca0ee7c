import type { Me } from '../api/routes.ts'
import { leave } from '../api/session.ts'
import { useWords } from '../words/index.tsx'

/** Says on every page who really acts. */
export function Impersonated({ me }: { me: Me }) {
  const { impersonation: words } = useWords()
  return (
    <section className="banner" aria-label={words.title}>
      <strong>{words.banner(me.impersonator ?? '', me.name)}</strong>
      <button type="button" onClick={leave}>
        {words.stop}
      </button>
    </section>
  )
}

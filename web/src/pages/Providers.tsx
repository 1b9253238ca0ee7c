import { useQuery } from '@tanstack/react-query'
import { reading } from '../api/queries.ts'
import { isOperators } from '../audience.ts'
import { useWords } from '../words/index.tsx'

/** Ways to the providers that one may sign in with. */
export function Providers({ search = {} }: { search?: Record<string, string> }) {
  const { signIn: words } = useWords()
  const { data = [] } = useQuery({ ...reading('GET /api/v1/auth/sso'), enabled: !isOperators })
  const asked = new URLSearchParams(search).toString()
  return (
    <ul className="providers">
      {data.map(({ name }) => (
        <li key={name}>
          <a
            className="button"
            href={`/api/v1/auth/sso/${encodeURIComponent(name)}${asked ? `?${asked}` : ''}`}
          >
            {words.with(name.charAt(0).toUpperCase() + name.slice(1))}
          </a>
        </li>
      ))}
    </ul>
  )
}

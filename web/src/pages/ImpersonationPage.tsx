import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { whoAmI } from '../api/queries.ts'
import { keepImpersonation } from '../api/session.ts'
import { Go } from '../parts/Go.tsx'
import { Loaded } from '../parts/Loaded.tsx'
import { Door } from '../parts/Page.tsx'
import { useWords } from '../words/index.tsx'

/** Takes the token that an operator brings in the fragment, and acts by it in this tab. */
export function ImpersonationPage() {
  const { impersonation: words } = useWords()
  const client = useQueryClient()
  const [taken] = useState(() => {
    const token = location.hash.slice(1)
    if (token) keepImpersonation(token)
    // Nobody who looks at the history finds it.
    history.replaceState(null, '', location.pathname)
    return token
  })
  const me = useQuery({ ...whoAmI, queryKey: ['me', taken], gcTime: 0 })
  return (
    <Loaded query={me}>
      {(person) => {
        if (!person?.impersonator)
          return (
            <Door title={words.over} lead={words.overLead}>
              {null}
            </Door>
          )
        client.setQueryData(whoAmI.queryKey, person)
        return <Go to="/" />
      }}
    </Loaded>
  )
}

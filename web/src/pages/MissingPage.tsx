import { Link } from '@tanstack/react-router'
import { Door } from '../parts/Page.tsx'
import { useWords } from '../words/index.tsx'

export function MissingPage() {
  const { missing } = useWords()
  return (
    <Door title={missing.title}>
      <Link to="/">{missing.home}</Link>
    </Door>
  )
}

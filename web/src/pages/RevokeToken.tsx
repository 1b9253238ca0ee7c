import { useQueryClient } from '@tanstack/react-query'
import { reading } from '../api/queries.ts'
import { Dialog } from '../parts/Dialog.tsx'
import { Form } from '../parts/Form.tsx'
import { useTell } from '../parts/Told.tsx'
import { useWords } from '../words/index.tsx'

/** Revokes a token, after asking; then `reads` is read again. */
export function RevokeToken(props: {
  name: string
  reads: 'GET /api/v1/auth/tokens' | 'GET /api/v1/service-accounts'
  revoke(): Promise<unknown>
  close(): void
}) {
  const { tokens: words } = useWords()
  const tell = useTell()
  const client = useQueryClient()
  const revoke = async () => {
    await props.revoke()
    await client.invalidateQueries(reading(props.reads))
    props.close()
    tell(words.revoked)
  }
  return (
    <Dialog title={words.revokeOf(props.name)} close={props.close}>
      <p>{words.revokeLead}</p>
      <Form submit={words.revoke} danger send={revoke}>
        {null}
      </Form>
    </Dialog>
  )
}

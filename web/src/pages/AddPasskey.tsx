import { useState } from 'react'
import { addPasskey } from '../api/passkeys.ts'
import { deviceName } from '../deviceName.ts'
import { Field, Form, type Values } from '../parts/Form.tsx'
import { useWords } from '../words/index.tsx'
import { RecoveryCodes } from './RecoveryCodes.tsx'

/** Making a passkey on this device, and keeping the recovery codes that come with the first second factor. */
export function AddPasskey({ done }: { done(): Promise<void> }) {
  const { passkeys: words } = useWords()
  const [codes, setCodes] = useState<string[] | null>(null)
  const add = async ({ name = '' }: Values) => {
    const given = await addPasskey(name)
    if (given) setCodes(given)
    else await done()
  }
  if (codes) return <RecoveryCodes codes={codes} done={done} />
  return (
    <>
      <p>{words.addLead}</p>
      <Form submit={words.add} send={add}>
        <Field
          label={words.name}
          hint={words.nameHint}
          name="name"
          maxLength={100}
          defaultValue={deviceName(navigator.userAgent)}
          autoComplete="off"
        />
      </Form>
    </>
  )
}

import { Form } from '../parts/Form.tsx'
import { Secret } from '../parts/Secret.tsx'
import { useWords } from '../words/index.tsx'

/** The codes, shown this once. */
export function RecoveryCodes({ codes, done }: { codes: string[]; done(): Promise<void> }) {
  const { secondFactor: words } = useWords()
  return (
    <section className="codes">
      <h2>{words.codesTitle}</h2>
      <p>{words.codesLead}</p>
      <Secret text={codes.join('\n')} label={words.copyCodes} />
      <Form submit={words.go} send={done}>
        <label className="check">
          <input type="checkbox" required /> {words.saved}
        </label>
      </Form>
    </section>
  )
}

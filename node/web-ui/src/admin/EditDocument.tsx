import { Alert, Button, Checkbox, Group, Modal, Radio, Stack, Textarea, TextInput } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { DocumentHead, LegalDocument } from '../api/types';
import { useClose } from '../ui/Confirm';
import { tell } from '../ui/notify';
import { ErrorState, Loading } from '../ui/States';
import { fieldErrors, problemText, useAdminText } from '../ui/text';

interface Props {
  /** Which of the five; null: none is written. */
  place: number | null;
  /** The one that is there. */
  head: DocumentHead | null;
  close: () => void;
  saved: () => Promise<unknown>;
}

/** Writes a document that guests agree to. */
export function EditDocument({ place, head, close, saved }: Props) {
  const { t } = useAdminText();
  const cross = useClose();
  return (
    <Modal
      opened={place !== null}
      onClose={close}
      size="lg"
      title={head ? t('documents.editNamed', { title: head.title }) : t('documents.add')}
      closeButtonProps={cross}
    >
      {place !== null &&
        (head ? (
          <Loaded place={place} head={head} close={close} saved={saved} />
        ) : (
          <Form place={place} document={null} close={close} saved={saved} />
        ))}
    </Modal>
  );
}

function Loaded({
  place,
  head,
  ...rest
}: { place: number; head: DocumentHead } & Pick<Props, 'close' | 'saved'>) {
  const whole = useQuery(queries.document(place, head.version));
  if (whole.error) return <ErrorState error={whole.error} retry={() => void whole.refetch()} />;
  if (!whole.data) return <Loading rows={4} height={36} />;
  return <Form place={place} document={whole.data} {...rest} />;
}

interface FormProps extends Pick<Props, 'close' | 'saved'> {
  place: number;
  document: LegalDocument | null;
}

function Form({ place, document, close, saved }: FormProps) {
  const { t } = useAdminText();
  const [title, setTitle] = useState(document?.title ?? '');
  const [kind, setKind] = useState<'text' | 'link'>(document?.link ? 'link' : 'text');
  const [text, setText] = useState(document?.text ?? '');
  const [link, setLink] = useState(document?.link ?? '');
  const [again, setAgain] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const wrong = fieldErrors(failed);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // The form lies within that of no other, but React passes the event on to where the dialog was written.
    event.stopPropagation();
    setBusy(true);
    setFailed(null);
    try {
      const content = kind === 'text' ? { text } : { link };
      await calls.putDocument(place, { title, again, ...content }, document?.version);
      await saved();
      tell(t('documents.saved'));
      close();
    } catch (error) {
      setFailed(error);
      setBusy(false);
    }
  };
  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      <Stack gap="md">
        <TextInput
          data-autofocus
          label={t('documents.name')}
          description={t('documents.nameHint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          maxLength={128}
          error={wrong.title && t('documents.nameMissing')}
          value={title}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <Radio.Group
          label={t('documents.where')}
          value={kind}
          onChange={(next) => setKind(next as 'text' | 'link')}
        >
          <Group gap="lg" mt={6}>
            <Radio value="text" label={t('documents.here')} />
            <Radio value="link" label={t('documents.elsewhere')} />
          </Group>
        </Radio.Group>
        {kind === 'text' ? (
          <Textarea
            label={t('documents.text')}
            description={t('documents.textHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            autosize
            minRows={8}
            maxRows={18}
            maxLength={100_000}
            error={wrong.text && t('documents.textMissing')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        ) : (
          <TextInput
            label={t('documents.address')}
            description={t('documents.addressHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            maxLength={2_000}
            type="url"
            error={wrong.link && t('documents.addressWrong')}
            value={link}
            onChange={(event) => setLink(event.currentTarget.value)}
          />
        )}
        {document && (
          <Checkbox
            label={t('documents.again')}
            description={t('documents.againHint')}
            checked={again}
            onChange={(event) => setAgain(event.currentTarget.checked)}
          />
        )}
        {failed !== null && Object.keys(wrong).length === 0 && (
          <Alert color="red" icon={<IconAlertTriangle />} role="alert">
            {problemText(failed)}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" loading={busy}>
            {t('documents.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

import { Button, Checkbox, Code, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { problemText } from './text';

interface Props {
  opened: boolean;
  close: () => void;
  title: string;
  /** What will happen to whom. */
  children: ReactNode;
  /** The verb on the button. */
  verb: string;
  act: () => Promise<unknown>;
  /** For what cannot be undone: must be typed first. */
  typed?: string;
  /** Must be ticked first. */
  agreed?: string;
  harmless?: boolean;
}

/** Asks before something that cannot be undone or that others will notice. */
export function Confirm(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.close} title={props.title} closeButtonProps={useClose()}>
      {props.opened && <Asking {...props} />}
    </Modal>
  );
}

export function useClose() {
  const { t } = useTranslation();
  return { 'aria-label': t('action.close') };
}

function Asking({ close, children, verb, act, typed, agreed, harmless }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<unknown>(null);
  const [agrees, agree] = useState(false);
  const ready = (!typed || text.trim() === typed) && (!agreed || agrees);

  const submit = async () => {
    setBusy(true);
    setFailed(null);
    try {
      await act();
      close();
    } catch (error) {
      setFailed(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void submit();
      }}
    >
      <Stack gap="md">
        <Text size="sm" component="div">
          {children}
        </Text>
        {typed && (
          <TextInput
            data-autofocus
            label={
              <Trans t={t} i18nKey="confirm.type" values={{ name: typed }} components={{ name: <Code /> }} />
            }
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        )}
        {agreed && (
          <Checkbox
            label={agreed}
            checked={agrees}
            onChange={(event) => agree(event.currentTarget.checked)}
          />
        )}
        {failed !== null && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {problemText(failed)}
          </Text>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('action.cancel')}
          </Button>
          <Button type="submit" color={harmless ? undefined : 'red'} disabled={!ready} loading={busy}>
            {verb}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

import { Alert, Button, Code, CopyButton, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { IconCheck, IconCopy, IconKey } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import type { Invitation } from '../api/types';
import { useClose } from '../ui/Confirm';
import { duration, exactTime, problemText, useAdminText } from '../ui/text';

/** Makes a one-time token for a machine to join with; it is shown here and never again. */
export function InviteNode({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useAdminText();
  const invite = useMutation({ mutationFn: (ttl_s: number) => calls.invite(ttl_s) });
  const end = () => {
    close();
    invite.reset();
  };
  return (
    <Modal
      opened={opened}
      onClose={end}
      title={t('invite.title')}
      size="lg"
      closeButtonProps={useClose()}
      closeOnClickOutside={!invite.data}
      closeOnEscape={!invite.data}
    >
      {invite.data ? (
        <Token invitation={invite.data} run={t('invite.run')} program="plenary-node" close={end} />
      ) : (
        <Ask create={invite.mutate} busy={invite.isPending} error={invite.error} close={end} />
      )}
    </Modal>
  );
}

const lengths = [900, 3_600, 86_400, 604_800];

interface AskProps {
  create: (ttl_s: number) => void;
  busy: boolean;
  error: unknown;
  close: () => void;
}

function Ask({ create, busy, error, close }: AskProps) {
  const { t } = useAdminText();
  const [ttl, setTtl] = useState('3600');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        create(Number(ttl));
      }}
    >
      <Stack>
        <Text size="sm">{t('invite.text')}</Text>
        {error !== null && (
          <Alert color="red" role="alert">
            {problemText(error)}
          </Alert>
        )}
        <Select
          label={t('invite.valid')}
          description={t('invite.validHint')}
          inputWrapperOrder={['label', 'input', 'description']}
          allowDeselect={false}
          data-autofocus
          maw={280}
          data={lengths.map((seconds) => ({ value: String(seconds), label: duration(seconds) }))}
          value={ttl}
          onChange={(next) => next && setTtl(next)}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            {t('common:action.cancel')}
          </Button>
          <Button type="submit" loading={busy} leftSection={<IconKey size={16} />}>
            {t('invite.action')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface TokenProps {
  invitation: Invitation;
  /** What is done with the command. */
  run: string;
  program: string;
  close: () => void;
}

/** A token and the command that takes it. */
export function Token({ invitation, run, program, close }: TokenProps) {
  const { t } = useAdminText();
  const command = `${program} join ${invitation.token}`;
  return (
    <Stack>
      <Alert color="yellow" icon={<IconKey />}>
        {t('invite.once', { until: exactTime(invitation.expires_at) })}
      </Alert>
      <Text size="sm">{run}</Text>
      <Code block data-testid="join-command" style={{ whiteSpace: 'pre-wrap', wordBreak: 'break-all' }}>
        {command}
      </Code>
      <Group justify="flex-end" gap="xs">
        <Copy text={invitation.token} label={t('invite.copyToken')} />
        <Copy text={command} label={t('invite.copyCommand')} />
        <Button onClick={close}>{t('invite.done')}</Button>
      </Group>
    </Stack>
  );
}

function Copy({ text, label }: { text: string; label: string }) {
  const { t } = useAdminText();
  return (
    <CopyButton value={text} timeout={2_000}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          onClick={copy}
          aria-live="polite"
        >
          {copied ? t('invite.copied') : label}
        </Button>
      )}
    </CopyButton>
  );
}

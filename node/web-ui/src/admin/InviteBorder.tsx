import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import type { NewBorderController } from '../api/types';
import { useClose } from '../ui/Confirm';
import { ErrorState } from '../ui/States';
import { fieldErrors, useAdminText } from '../ui/text';
import { Token } from './InviteNode';

/** Makes a one-time token for a Border Controller to join with; it is shown here and never again. */
export function InviteBorder({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const invite = useMutation({
    mutationFn: (controller: NewBorderController) => calls.inviteBorderController(controller),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['settings', 'border-controllers'] }),
  });
  const end = () => {
    close();
    invite.reset();
  };
  return (
    <Modal
      opened={opened}
      onClose={end}
      title={t('border.inviteTitle')}
      size="lg"
      closeButtonProps={useClose()}
      closeOnClickOutside={!invite.data}
      closeOnEscape={!invite.data}
    >
      {invite.data ? (
        <Token
          invitation={invite.data}
          run={t('border.run')}
          program="plenary-border-controller --config border-controller.toml"
          close={end}
        />
      ) : (
        <Ask create={invite.mutate} busy={invite.isPending} error={invite.error} close={end} />
      )}
    </Modal>
  );
}

interface AskProps {
  create: (controller: NewBorderController) => void;
  busy: boolean;
  error: unknown;
  close: () => void;
}

function Ask({ create, busy, error, close }: AskProps) {
  const { t } = useAdminText();
  const [name, setName] = useState('');
  const [address, setAddress] = useState('');
  const wrong = error ? fieldErrors(error) : {};
  return (
    <Stack
      component="form"
      onSubmit={(event) => {
        event.preventDefault();
        create({ name: name.trim(), address: address.trim() });
      }}
    >
      <Text size="sm">{t('border.inviteText')}</Text>
      {!!error && !wrong.name && !wrong.address && <ErrorState error={error} />}
      <TextInput
        label={t('border.name')}
        description={t('border.nameHint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        required
        data-autofocus
        error={wrong.name}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label={t('border.address')}
        description={t('border.addressHint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        required
        error={wrong.address}
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
      />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={close}>
          {t('common:action.cancel')}
        </Button>
        <Button
          type="submit"
          loading={busy}
          disabled={!name.trim() || !address.trim()}
          leftSection={<IconKey size={16} aria-hidden />}
        >
          {t('invite.action')}
        </Button>
      </Group>
    </Stack>
  );
}

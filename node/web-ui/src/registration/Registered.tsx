import { Anchor, Button, CopyButton, Group, Stack, Text, TextInput, ThemeIcon } from '@mantine/core';
import { IconCheck, IconCopy, IconDoorEnter } from '@tabler/icons-react';
import { useMeetingText } from '../room/context';
import { addressOf } from './links';
import type { Own } from './useOwnRegistration';

interface Props {
  cid: string;
  own: Extract<Own, { state: 'registered' }>;
  forget: () => void;
  goOn: () => void;
}

/** One is registered: by which name, and the link that brings one in. */
export function Registered({ cid, own, forget, goOn }: Props) {
  const { t } = useMeetingText();
  const address = addressOf(cid, own.link);
  return (
    <Stack gap="md">
      <Group gap="sm" wrap="nowrap" role="status">
        <ThemeIcon color="green" variant="light" radius="xl" size="lg">
          <IconCheck size={20} aria-hidden />
        </ThemeIcon>
        <div style={{ minWidth: 0 }}>
          <Text fw={600}>{t('registration.done')}</Text>
          <Text size="sm" c="dimmed" truncate>
            {t('registration.doneAs', { name: own.who.name })}
          </Text>
        </div>
      </Group>
      <TextInput
        label={t('registration.link')}
        description={t('registration.linkHint')}
        inputWrapperOrder={['label', 'input', 'description']}
        readOnly
        value={address}
        onFocus={(event) => event.currentTarget.select()}
        rightSectionWidth={104}
        rightSection={
          <CopyButton value={address}>
            {({ copied, copy }) => (
              <Button
                size="compact-sm"
                variant="light"
                onClick={copy}
                leftSection={
                  copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />
                }
              >
                {t(copied ? 'registration.copied' : 'registration.copy')}
              </Button>
            )}
          </CopyButton>
        }
      />
      <Button size="md" leftSection={<IconDoorEnter size={20} aria-hidden />} onClick={goOn}>
        {t('registration.goOn')}
      </Button>
      <Anchor component="button" type="button" size="sm" ta="center" underline="always" onClick={forget}>
        {t('registration.notMe', { name: own.who.name })}
      </Anchor>
    </Stack>
  );
}

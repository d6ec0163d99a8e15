import { Alert, Button, Group, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { IconDoorEnter, IconLock } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useMeeting, useMeetingText, useVisit } from './context';
import { EntryFrame } from './EntryFrame';
import classes from './Waiting.module.css';

/** The conference has a PIN. */
export function PinEntry() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room, facts } = useMeeting();
  const [pin, setPin] = useState('');
  const good = /^[0-9]{4,16}$/.test(pin);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (good) meeting.enterPin(pin);
  };
  return (
    <EntryFrame>
      <form className={classes.card} noValidate onSubmit={submit}>
        <Stack gap="md">
          <IconLock size={40} stroke={1.5} aria-hidden />
          <div>
            <Title order={1} size="h2">
              {t('pin.title')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('pin.text', { room: room.name })}
            </Text>
          </div>
          {facts && (
            <Alert color="red" role="alert" py="xs">
              {facts.left ? t('pin.left', { count: facts.left }) : t('pin.wrong')}
            </Alert>
          )}
          <PasswordInput
            label={t('pin.label')}
            size="md"
            inputMode="numeric"
            autoComplete="off"
            maxLength={16}
            data-autofocus
            autoFocus
            value={pin}
            onChange={(event) => setPin(event.currentTarget.value.replace(/[^0-9]/g, ''))}
          />
          <Group justify="space-between">
            <Button variant="default" onClick={() => meeting.leave()}>
              {t('common:action.cancel')}
            </Button>
            <Button type="submit" disabled={!good} leftSection={<IconDoorEnter size={18} aria-hidden />}>
              {t('entry.join')}
            </Button>
          </Group>
        </Stack>
      </form>
    </EntryFrame>
  );
}

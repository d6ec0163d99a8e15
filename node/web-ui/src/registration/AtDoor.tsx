import { Alert, Anchor, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle, IconCalendarOff, IconDoorEnter, IconLinkOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { DoorRegistration } from '../api/types';
import { BeginsLater } from '../room/BeginsLater';
import { useMeetingText } from '../room/context';
import { Description } from '../room/Description';
import { EntryFrame } from '../room/EntryFrame';
import type { Begins } from '../room/useDoor';
import { Where } from '../room/Where';
import { ErrorState } from '../ui/States';
import classes from './Registration.module.css';
import { Registered } from './Registered';
import { RegisterForm } from './RegisterForm';
import type { OwnRegistrationState } from './useOwnRegistration';

interface Props {
  cid: string;
  room: string;
  description: string;
  place: string;
  begins: Begins | null;
  form: DoorRegistration | null;
  registration: OwnRegistrationState;
  /** To the devices and into the meeting. */
  goOn: () => void;
}

/** The page of a conference for whom registers: when it begins, what is asked, and that one is registered. */
export function AtDoor({ cid, room, description, place, begins, form, registration, goOn }: Props) {
  const { t } = useMeetingText();
  const { own, keep, forget } = registration;
  return (
    <EntryFrame>
      <Card withBorder padding="xl" radius="md" className={classes.card}>
        <Stack gap="lg">
          <div>
            <Title order={1} className={classes.room}>
              {room}
            </Title>
            {own.state !== 'registered' && form && (
              <Text size="sm" c="dimmed">
                {t('registration.purpose')}
              </Text>
            )}
          </div>
          <Where place={place} />
          <Description text={description} />
          {own.state === 'registered' && <Registered cid={cid} own={own} forget={forget} goOn={goOn} />}
          {begins && <BeginsLater cid={cid} guest begins={begins} armed={false} />}
          {own.state === 'invalid' && <Invalid hasForm={form !== null} forget={forget} />}
          {own.state === 'failed' && <ErrorState error={own.error} retry={own.retry} />}
          {(own.state === 'none' || own.state === 'invalid') && form && (
            <Register cid={cid} form={form} keep={keep} />
          )}
          {own.state !== 'registered' && <Others others={form?.others ?? false} goOn={goOn} cid={cid} />}
        </Stack>
      </Card>
    </EntryFrame>
  );
}

/** The link leads nowhere: why that may be, and what to do. */
function Invalid({ hasForm, forget }: { hasForm: boolean; forget: () => void }) {
  const { t } = useMeetingText();
  return (
    <Alert color="red" icon={<IconLinkOff />} role="alert" title={t('registration.invalidTitle')}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{t('registration.invalid')}</Text>
        {!hasForm && (
          <Button size="xs" variant="default" onClick={forget}>
            {t('registration.withoutLink')}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

function Register({
  cid,
  form,
  keep,
}: {
  cid: string;
  form: DoorRegistration;
  keep: (link: string) => void;
}) {
  const { t } = useMeetingText();
  const { i18n } = useTranslation();
  if (form.state === 'open') {
    return (
      <Stack gap="sm">
        {form.closes_at && (
          <Text size="sm">
            {t('registration.until', { when: momentText(form.closes_at, i18n.language) })}
          </Text>
        )}
        <RegisterForm cid={cid} form={form} keep={keep} />
      </Stack>
    );
  }
  const when = form.opens_at ? momentText(form.opens_at, i18n.language) : '';
  return (
    <Alert
      color="yellow"
      role="status"
      icon={form.state === 'not_yet' ? <IconCalendarOff /> : <IconAlertTriangle />}
    >
      {t(`registration.state.${form.state}`, { when })}
    </Alert>
  );
}

/** Without the form: as a guest where that is allowed, or with an account. */
function Others({ others, goOn, cid }: { others: boolean; goOn: () => void; cid: string }) {
  const { t } = useMeetingText();
  return (
    <Group justify="space-between" gap="sm">
      <Anchor
        size="sm"
        underline="always"
        renderRoot={(props) => <Link to="/" search={{ next: `/m/${cid}` }} {...props} />}
      >
        {t('registration.signIn')}
      </Anchor>
      {others && (
        <Button
          variant="default"
          size="xs"
          leftSection={<IconDoorEnter size={16} aria-hidden />}
          onClick={goOn}
        >
          {t('registration.comeWithout')}
        </Button>
      )}
    </Group>
  );
}

function momentText(time: string, language: string): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' });
  return format.format(new Date(time));
}

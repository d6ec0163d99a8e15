import {
  Alert,
  Button,
  Group,
  List,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
  ThemeIcon,
} from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import type { PartnerTried } from '../api/types';
import { fieldErrors, useAdminText } from '../ui/text';
import type { Draft } from '../ui/useDraft';
import type { FlatSettings } from './settingsDraft';

const MODES = ['off', 'whitelist', 'blacklist'] as const;

/** With which servers of other enterprises this one meets, and a test that says what is missing. */
export function FederationFields({
  draft,
  readOnly,
  errors,
}: {
  draft: Draft<FlatSettings>;
  readOnly: boolean;
  errors: Record<string, string>;
}) {
  const { t } = useAdminText();
  const mode = draft.value['federation.mode'];
  return (
    <>
      <Select
        label={t('setting.federation.mode')}
        description={t(`setting.federation.mode.${mode}`)}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        allowDeselect={false}
        maw={420}
        disabled={readOnly}
        data={MODES.map((one) => ({ value: one, label: t(`setting.federation.mode.${one}.name`) }))}
        value={mode}
        onChange={(next) => next && draft.set('federation.mode', next)}
      />
      {mode !== 'off' && (
        <TagsInput
          label={t(`setting.federation.${mode}`)}
          description={t('setting.federation.masks')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          error={Object.entries(errors).find(([field]) => field.startsWith(`federation.${mode}`))?.[1]}
          readOnly={readOnly}
          acceptValueOnBlur
          splitChars={[',', ' ', ';']}
          maxTags={1000}
          value={draft.value[`federation.${mode}`]}
          onChange={(next) => draft.set(`federation.${mode}`, next)}
        />
      )}
      {!readOnly && <TryPartner />}
    </>
  );
}

function TryPartner() {
  const { t } = useAdminText();
  const [server, setServer] = useState('');
  const trial = useMutation({ mutationFn: () => calls.tryPartner(server.trim()) });
  const refused = trial.error && (fieldErrors(trial.error).server ?? detailOf(trial.error));
  return (
    <Stack
      component="form"
      gap="sm"
      onSubmit={(event) => {
        event.preventDefault();
        if (server.trim()) trial.mutate();
      }}
    >
      <Group align="end" gap="sm">
        <TextInput
          label={t('partner.test')}
          description={t('partner.testHint')}
          placeholder={t('partner.example')}
          error={refused}
          flex={1}
          miw={220}
          maw={420}
          value={server}
          onChange={(event) => setServer(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={trial.isPending} disabled={!server.trim()}>
          {t('partner.try')}
        </Button>
      </Group>
      <div aria-live="polite">{trial.data && <Result tried={trial.data} />}</div>
    </Stack>
  );
}

function detailOf(error: Error): string {
  return error instanceof Problem ? error.detail : error.message;
}

function Result({ tried }: { tried: PartnerTried }) {
  const { t } = useAdminText();
  const { certificate, server } = tried;
  return (
    <Alert
      color={tried.good ? 'green' : 'red'}
      variant="light"
      icon={tried.good ? <IconCheck /> : <IconAlertTriangle />}
      title={t(tried.good ? 'partner.good' : 'partner.bad', { server })}
    >
      <List spacing="xs" size="sm" listStyleType="none">
        {tried.steps.map(({ step, good, detail, took_ms }) => (
          <List.Item
            key={step}
            icon={
              <ThemeIcon size={20} radius="xl" variant="light" color={good ? 'green' : 'red'}>
                {good ? <IconCheck size={14} /> : <IconAlertTriangle size={14} />}
              </ThemeIcon>
            }
          >
            <Text span fw={600} size="sm">
              {t(`partner.step.${step}`)}
            </Text>{' '}
            <Text span size="sm" style={{ overflowWrap: 'anywhere' }}>
              {t('partner.took', { detail, ms: took_ms })}
            </Text>
          </List.Item>
        ))}
      </List>
      {certificate && (
        <Text size="sm" mt="sm" style={{ overflowWrap: 'anywhere' }}>
          {t('partner.certificate', {
            subject: certificate.subject || certificate.names.join(', '),
            issuer: certificate.issuer,
            until: certificate.expires_at.slice(0, 10),
            fingerprint: certificate.fingerprint,
          })}
        </Text>
      )}
    </Alert>
  );
}

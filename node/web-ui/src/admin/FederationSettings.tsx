import { Anchor, Button, Group, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import type { PartnerTerms } from '../api/types';
import { fieldErrors, useAdminText } from '../ui/text';
import type { Draft } from '../ui/useDraft';
import { TermsFields } from './PartnerTerms';
import { TrialResult } from './PartnerTrial';
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
      <Text size="sm">
        <Anchor size="sm" renderRoot={(props) => <Link to="/admin/partners" {...props} />}>
          {t('partners.toPage')}
        </Anchor>
      </Text>
    </>
  );
}

/** What may be done with all servers that have no terms of their own. */
export function UsualTerms({
  draft,
  readOnly,
  errors,
}: {
  draft: Draft<FlatSettings>;
  readOnly: boolean;
  errors: Record<string, string>;
}) {
  const { value } = draft;
  const terms: PartnerTerms = {
    calls: value['partner_terms.calls'],
    conferences: value['partner_terms.conferences'],
    chat: value['partner_terms.chat'],
    content: value['partner_terms.content'],
    recording: value['partner_terms.recording'],
    bandwidth_kbps: value['partner_terms.bandwidth_kbps'],
    participants: value['partner_terms.participants'],
  };
  return (
    <TermsFields
      value={terms}
      set={(field, next) => draft.set(`partner_terms.${field}`, next as never)}
      readOnly={readOnly}
      errors={{
        bandwidth_kbps: errors['partner_terms.bandwidth_kbps'],
        participants: errors['partner_terms.participants'],
      }}
    />
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
      <div aria-live="polite">{trial.data && <TrialResult tried={trial.data} />}</div>
    </Stack>
  );
}

function detailOf(error: Error): string {
  return error instanceof Problem ? error.detail : error.message;
}

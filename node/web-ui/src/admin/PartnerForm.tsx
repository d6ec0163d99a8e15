import { Alert, Button, Fieldset, Group, Radio, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import type { Partner, PartnerTerms } from '../api/types';
import { tell } from '../ui/notify';
import { fieldErrors, problemText, useAdminText } from '../ui/text';
import { formOf, toSend, type PartnerForm as Form, type Pinned } from './partner';
import { TermsFields } from './PartnerTerms';

const below = ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[];
const PINS = ['none', 'authority', 'certificate'] as const;

interface Props {
  partner: Partner;
  /** Terms of all others. */
  usual: PartnerTerms;
  readOnly: boolean;
}

/** What is written down of another server: a note, its terms, what it must prove itself with. */
export function PartnerForm({ partner, usual, readOnly }: Props) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  // As it was when it was opened: who saves on top of somebody else's change is told.
  const [match, setMatch] = useState(partner.revision ?? '0');
  const [form, setForm] = useState(() => formOf(partner, usual));
  const set = <K extends keyof Form>(field: K, value: Form[K]) =>
    setForm((now) => ({ ...now, [field]: value }));
  const save = useMutation({
    mutationFn: () => calls.putPartner(partner.server, toSend(form), match),
    onSuccess: async (saved) => {
      setMatch(saved.revision ?? '0');
      await cache.invalidateQueries({ queryKey: ['settings', 'partners'] });
      tell(t('partners.saved', { server: partner.server }));
    },
  });
  const errors = fieldErrors(save.error);
  const elsewhere = save.error && Object.keys(errors).length === 0;
  const shown = partner.seen?.certificate?.fingerprint;
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Stack gap="md">
        <TextInput
          label={t('partners.note')}
          description={t('partners.noteHint')}
          inputWrapperOrder={below}
          maxLength={1000}
          readOnly={readOnly}
          error={errors.note}
          value={form.note}
          onChange={(event) => set('note', event.currentTarget.value)}
        />
        <Fieldset legend={t('partners.terms')}>
          <Stack gap="md">
            <Switch
              label={t('partners.own')}
              description={t('partners.ownHint')}
              disabled={readOnly}
              checked={form.own}
              onChange={(event) => set('own', event.currentTarget.checked)}
            />
            {form.own && (
              <TermsFields
                value={form.terms}
                set={(field, value) => set('terms', { ...form.terms, [field]: value })}
                readOnly={readOnly}
                errors={{
                  bandwidth_kbps: errors['terms.bandwidth_kbps'],
                  participants: errors['terms.participants'],
                }}
              />
            )}
          </Stack>
        </Fieldset>
        <Fieldset legend={t('partners.pin')}>
          <Stack gap="md">
            <Radio.Group
              aria-label={t('partners.pin')}
              value={form.pinned}
              onChange={(next) => set('pinned', next as Pinned)}
            >
              <Stack gap="xs">
                {PINS.map((pin) => (
                  <Radio
                    key={pin}
                    value={pin}
                    disabled={readOnly}
                    label={t(`partners.pin.${pin}`)}
                    description={t(`partners.pin.${pin}.hint`)}
                  />
                ))}
              </Stack>
            </Radio.Group>
            {form.pinned === 'authority' && (
              <Textarea
                label={t('partners.authority')}
                description={t('partners.authorityHint')}
                inputWrapperOrder={below}
                autosize
                minRows={4}
                maxRows={10}
                maxLength={16_384}
                spellCheck={false}
                readOnly={readOnly}
                error={errors.authority}
                styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                value={form.authority}
                onChange={(event) => set('authority', event.currentTarget.value)}
              />
            )}
            {form.pinned === 'certificate' && (
              <>
                <TextInput
                  label={t('partners.fingerprint')}
                  description={t('partners.fingerprintHint')}
                  inputWrapperOrder={below}
                  maxLength={128}
                  spellCheck={false}
                  autoCapitalize="none"
                  readOnly={readOnly}
                  error={errors.certificate}
                  styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
                  value={form.certificate}
                  onChange={(event) => set('certificate', event.currentTarget.value)}
                />
                {!readOnly && shown && shown !== form.certificate && (
                  <Button variant="default" size="xs" onClick={() => set('certificate', shown)} mr="auto">
                    {t('partners.takeShown')}
                  </Button>
                )}
              </>
            )}
          </Stack>
        </Fieldset>
        {elsewhere && (
          <Alert color="red" role="alert">
            {problemText(save.error)}
          </Alert>
        )}
        {!readOnly && (
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending}>
              {t('common:action.save')}
            </Button>
          </Group>
        )}
      </Stack>
    </form>
  );
}

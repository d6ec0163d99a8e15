import { Button, Group, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { queries } from '../api/queries';
import { cidLike, groupedCid } from '../ui/cid';
import { useAdminText } from '../ui/text';
import type { Form } from './ConferenceForm';

interface Props {
  form: Form;
  isNew: boolean;
  /** Somebody has typed an ID of their own. */
  touch: () => void;
}

/** Under which ID people find the conference: one that the server makes up, or one that somebody chooses. */
export function CidField({ form, isNew, touch }: Props) {
  const { t } = useAdminText();
  const [before] = useState(form.values.cid);
  if (!isNew && form.values.id_by === 'stays') {
    return (
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <TextInput
          label={t('conferences.cid')}
          readOnly
          style={{ flex: 1 }}
          value={groupedCid(form.values.cid)}
        />
        <Button variant="default" onClick={() => form.setFieldValue('id_by', 'made_up')}>
          {t('conferences.cidChange')}
        </Button>
      </Group>
    );
  }
  return (
    <Stack gap="xs">
      <Choose form={form} touch={touch} />
      {!isNew && (
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Text size="sm" c="dimmed" role="status">
            {t('conferences.cidChangeHint', { cid: groupedCid(before) })}
          </Text>
          <Button
            variant="subtle"
            size="compact-sm"
            style={{ flexShrink: 0 }}
            onClick={() => form.setValues({ id_by: 'stays', cid: before })}
          >
            {t('conferences.cidKeep')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** Made up, or by hand where that is allowed. */
function Choose({ form, touch }: Omit<Props, 'isNew'>) {
  const { t } = useAdminText();
  const name = useId();
  const usual = useQuery(queries.conferenceDefaults()).data;
  const like = cidLike(usual?.id_letters ?? false, usual?.id_length ?? 9);
  if (usual && !usual.chooses_id) {
    return (
      <div>
        <Text size="sm" fw={500}>
          {t('conferences.cid')}
        </Text>
        <Text size="sm" c="dimmed">
          {t('conferences.cidAlwaysMadeUp', { like })}
        </Text>
      </div>
    );
  }
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t('conferences.cid')}
        name={name}
        value={form.values.id_by}
        onChange={(next) => form.setFieldValue('id_by', next === 'own' ? 'own' : 'made_up')}
      >
        <Stack gap="xs" mt={6}>
          <Radio
            value="made_up"
            label={t('conferences.cidMadeUp')}
            description={t('conferences.cidMadeUpHint', { like })}
          />
          <Radio value="own" label={t('conferences.cidOwn')} />
        </Stack>
      </Radio.Group>
      {form.values.id_by === 'own' && (
        <TextInput
          aria-label={t('conferences.cid')}
          description={t('conferences.cidHint')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          maxLength={64}
          autoCapitalize="none"
          spellCheck={false}
          {...form.getInputProps('cid')}
          onChange={(event) => {
            touch();
            form.setFieldValue('cid', event.currentTarget.value);
          }}
        />
      )}
    </Stack>
  );
}

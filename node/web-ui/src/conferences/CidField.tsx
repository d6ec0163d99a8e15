import { Radio, Stack, Text, TextInput } from '@mantine/core';
import type { ConferenceDefaults } from '../api/types';
import { cidLike } from '../ui/cid';
import { useAdminText } from '../ui/text';
import type { Form } from './ConferenceForm';

interface Props {
  form: Form;
  isNew: boolean;
  /** Of new ones. */
  usual?: ConferenceDefaults;
  /** Somebody has typed an ID of their own. */
  touch: () => void;
}

/** Under which ID people find the conference: one that the server makes up, or one that somebody chooses. */
export function CidField({ form, isNew, usual, touch }: Props) {
  const { t } = useAdminText();
  const input = (
    <TextInput
      label={t('conferences.cid')}
      description={t(isNew ? 'conferences.cidHint' : 'conferences.cidStays')}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      readOnly={!isNew}
      maxLength={64}
      autoCapitalize="none"
      spellCheck={false}
      {...form.getInputProps('cid')}
      onChange={(event) => {
        touch();
        form.setFieldValue('cid', event.currentTarget.value);
      }}
    />
  );
  if (!isNew) return input;
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
  const made = form.values.made_up;
  return (
    <Stack gap="xs">
      <Radio.Group
        label={t('conferences.cid')}
        value={made ? 'made_up' : 'own'}
        onChange={(next) => form.setFieldValue('made_up', next === 'made_up')}
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
      {!made && input}
    </Stack>
  );
}

import { SimpleGrid, TagsInput } from '@mantine/core';
import { useAdminText } from '../ui/text';
import type { Draft } from '../ui/useDraft';
import { Most } from './PartnerTerms';
import { looksLikeNetwork, type FlatSettings } from './settingsDraft';

const LIMITS = ['connections_per_network', 'rate_per_network', 'flows_per_network'] as const;

/** What Border Controllers let in. */
export function BorderFields({
  draft,
  readOnly,
  errors,
}: {
  draft: Draft<FlatSettings>;
  readOnly: boolean;
  errors: Record<string, string>;
}) {
  const { t } = useAdminText();
  const deny = draft.value['border.deny'];
  const wrong = deny.find((network) => !looksLikeNetwork(network));
  const refused = Object.entries(errors).find(([field]) => field.startsWith('border.deny'))?.[1];
  return (
    <>
      <TagsInput
        label={t('setting.border.deny')}
        description={t('setting.border.deny.hint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        error={wrong ? t('settings.badNetwork', { network: wrong }) : refused}
        readOnly={readOnly}
        acceptValueOnBlur
        splitChars={[',', ' ', ';']}
        maxTags={256}
        value={deny}
        onChange={(next) => draft.set('border.deny', next)}
      />
      <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
        {LIMITS.map((limit) => (
          <Most
            key={limit}
            label={t(`setting.border.${limit}`)}
            hint={t(`setting.border.${limit}.hint`)}
            empty={t('setting.border.own')}
            range={[1, 100_000]}
            readOnly={readOnly}
            error={errors[`border.${limit}`]}
            value={draft.value[`border.${limit}`]}
            set={(next) => draft.set(`border.${limit}`, next)}
          />
        ))}
      </SimpleGrid>
    </>
  );
}

import { Fieldset, Select, SimpleGrid, Text } from '@mantine/core';
import { number, useAdminText } from '../ui/text';
import type { Form } from './ConferenceForm';

const HEIGHTS = [0, 180, 360, 540, 720, 1080, 1440, 2160];
const RATES = [0, 5, 10, 15, 24, 30, 60];

/** The most that people send into the conference. */
export function QualityFields({ form }: { form: Form }) {
  const { t } = useAdminText();
  const { quality } = form.values;
  const field = (name: keyof typeof quality, choices: number[], label: string) => {
    const value = quality[name];
    // One that was set by another program is there, too.
    const all = [...new Set([...choices, value])].sort((a, b) => a - b);
    const height = name.endsWith('_height');
    return (
      <Select
        label={label}
        allowDeselect={false}
        data={all.map((one) => ({
          value: String(one),
          label:
            one === 0
              ? t('conferences.noLimit')
              : height
                ? t('conferences.pixels', { value: number(one) })
                : t('conferences.perSecond', { value: number(one) }),
        }))}
        value={String(value)}
        onChange={(next) => form.setFieldValue('quality', { ...quality, [name]: Number(next) })}
      />
    );
  };
  return (
    <Fieldset legend={t('conferences.quality')}>
      <Text size="sm" c="dimmed" mb="sm">
        {t('conferences.qualityHint')}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        {field('camera_height', HEIGHTS, t('conferences.cameraHeight'))}
        {field('camera_fps', RATES, t('conferences.cameraRate'))}
        {field('content_height', HEIGHTS, t('conferences.contentHeight'))}
        {field('content_fps', RATES, t('conferences.contentRate'))}
      </SimpleGrid>
    </Fieldset>
  );
}

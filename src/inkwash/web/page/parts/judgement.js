/** What a classifier of the data recognizes in samples, in words. */

/** Return "11 of 12 recognized", of samples with classes as their class, of others as any class with confidence. */
export const recognizedText = ({ right, labelled, confident, count }) => (labelled ? `${right} of ${labelled} recognized` : `${confident} of ${count} confident`);

/** Return what the counts mean, with what the classifier finds in real images. */
export function judgementHint({ labelled, extractor, real }) {
  const share = (value) => `${(100 * value).toFixed(1)}%`;
  const meaning = labelled ? `Recognized: classifier ${extractor} finds the requested class, as in ${share(real.accuracy)} of the real test images.` : `Confident: classifier ${extractor} gives one class a probability of 0.9 or more, as in ${share(real.confident)} of the real test images.`;
  return `${meaning} Of so few images a difference of one or two is chance; 'inkwash evaluate' measures 10,000.`;
}

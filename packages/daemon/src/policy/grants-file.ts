/**
 * Why a grants file counts for nothing. `edited`: its MAC does not fit. `older`: a newer one was written.
 * `foreign`: of another home or environment. `insecure`: mode, owner or kind. `unreadable`: no grants file
 * at all, or too large.
 */
export type Refusal = 'edited' | 'older' | 'foreign' | 'insecure' | 'unreadable';

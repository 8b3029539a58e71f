"""Clients that hear."""

from __future__ import annotations

import tempfile
import wave

import numpy as np

from .inputs import RATE, speech
from .registry import Answer, client


@client("silero_vad", "torch")
def silero_vad() -> Answer:
    """When someone speaks: a model with state, 32 ms at a time."""
    import torch
    from silero_vad import get_speech_timestamps, load_silero_vad

    model, sound = load_silero_vad(onnx=True), torch.from_numpy(speech())
    frames = sound[: sound.numel() // 512 * 512].reshape(-1, 512)

    def answer():
        model.reset_states()
        chances = [model(frame, RATE).item() for frame in frames]
        return chances, get_speech_timestamps(sound, model)

    return answer


@client("faster_whisper")
def faster_whisper() -> Answer:
    """When someone speaks, all frames in one run."""
    from faster_whisper.vad import get_speech_timestamps, get_vad_model

    model, sound = get_vad_model(), speech()
    padded = np.pad(sound, (0, -sound.size % 512))
    return lambda: (model(padded), get_speech_timestamps(sound))


@client("openwakeword")
def openwakeword() -> Answer:
    """A spectrogram, an embedding, scores of wake words and of speech, 80 ms at a time."""
    from openwakeword import VAD
    from openwakeword.model import Model

    np.random.seed(0)  # the library fills its buffers with noise
    model, detector = Model(), VAD()
    sound = (32767 * speech()).astype(np.int16)

    def answer():
        model.reset()
        detector.reset_states()
        scores = model.predict_clip(sound)
        return scores, model.preprocessor.get_features(16), detector(sound)

    return answer


@client("basic_pitch")
def basic_pitch() -> Answer:
    """The notes of a recording."""
    from basic_pitch import ICASSP_2022_MODEL_PATH
    from basic_pitch.inference import Model, predict

    model = Model(ICASSP_2022_MODEL_PATH.with_name("nmp.onnx"))
    folder = tempfile.TemporaryDirectory()
    with wave.open(f"{folder.name}/speech.wav", "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(RATE)
        file.writeframes((32767 * speech()).astype(np.int16).tobytes())

    def answer():
        output, _, notes = predict(f"{folder.name}/speech.wav", model)
        return output, [note[:4] for note in notes]

    return answer


@client("speechmos", "librosa")
def speechmos() -> Answer:
    """How good speech sounds, by networks of convolutions and of GRUs."""
    from speechmos import aecmos, dnsmos, plcmos

    sound = speech()
    loop, sent = np.roll(sound, 800) / 2, sound * 0.9

    def answer():
        np.random.seed(0)  # plcmos draws its raters at random
        calls = {"lpb": loop, "mic": sound, "enh": sent}
        return dnsmos.run(sound, RATE), plcmos.run(sound, RATE), aecmos.run(calls, RATE, talk_type="st")

    return answer

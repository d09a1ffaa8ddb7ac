"""Ask a running gateway for the breed in a photo: `python examples/ask_gateway.py dog.jpg [http://localhost:8080]`.

Needs the extra `client`, which is httpx alone.
"""

import sys

from detector_api.client import Detector

photo, url = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "http://localhost:8080"
with Detector(url) as detector:
    answer = detector.predict(photo)
    print("a dog" if answer.is_dog else "no dog", f"({answer.dog_probability:.0%})")
    for guess in answer.predictions:
        print(f"{guess.confidence:6.1%}  {guess.breed}")
